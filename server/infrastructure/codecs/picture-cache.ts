/** Bytes of pictures that are kept. */
const mostBytes = 32 << 20;
/** One that is longer would push out all others. */
const longest = 2 << 20;

/**
 * Pictures that were drawn a moment ago, in memory only: a list of studies and a viewer ask for the same ones again and again. Stored
 * pixels never change, so what a picture was drawn from is its name. The one asked for longest ago goes first; two who ask
 * for the same one at a time wait for one drawing.
 */
export class PictureCache {
  readonly #kept = new Map<string, Uint8Array>();
  readonly #drawing = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  async of(name: string, draw: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#kept.get(name);
    if (known) {
      this.#kept.delete(name);
      this.#kept.set(name, known);
      return known;
    }
    const begun = this.#drawing.get(name);
    // It may be drawn for somebody who leaves: then it is drawn again for who is still there.
    if (begun) return begun.catch(() => draw());
    const drawing = draw();
    this.#drawing.set(name, drawing);
    try {
      const picture = await drawing;
      this.#keep(name, picture);
      return picture;
    } finally {
      this.#drawing.delete(name);
    }
  }

  #keep(name: string, picture: Uint8Array): void {
    if (picture.length > longest || this.#kept.has(name)) return;
    this.#kept.set(name, picture);
    this.#bytes += picture.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= mostBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}
