/** What waits its turn: higher priority first, and among equals who came first. */
export class WaitingLine<Item extends { priority: number; arrived: number }> {
  readonly #items: Item[] = [];

  get length(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  some(is: (item: Item) => boolean): boolean {
    return this.#items.some(is);
  }

  /** An item that comes back keeps the place of its arrival. */
  add(item: Item): void {
    const after = this.#items.findIndex(
      ({ priority, arrived }) => priority < item.priority || (priority === item.priority && arrived > item.arrived),
    );
    this.#items.splice(after < 0 ? this.#items.length : after, 0, item);
  }

  shift(): Item | undefined {
    return this.#items.shift();
  }

  /** Takes up to `count` items that satisfy `wanted`, in their order. */
  take(count: number, wanted: (item: Item) => boolean = () => true): Item[] {
    const taken: Item[] = [];
    for (let i = 0; i < this.#items.length && taken.length < count;) {
      if (wanted(this.#items[i]!)) taken.push(...this.#items.splice(i, 1));
      else i++;
    }
    return taken;
  }

  /** @returns whether it was there. */
  remove(item: Item): boolean {
    const place = this.#items.indexOf(item);
    if (place >= 0) this.#items.splice(place, 1);
    return place >= 0;
  }

  clear(): Item[] {
    return this.#items.splice(0);
  }
}
