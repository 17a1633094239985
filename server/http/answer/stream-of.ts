import { Readable } from 'node:stream';

/**
 * A stream of what an iterator gives, which ends the iterator on every path, also when nobody ever read the stream.
 * `Readable.from` does not do that for an iterator that was begun before: a generator around it that is not started
 * when the client leaves runs no `finally`, and the file behind it stays open.
 *
 * @param first what the iterator gave already
 */
export function streamOf(first: IteratorResult<Uint8Array>, iterator: AsyncIterator<Uint8Array>): Readable {
  let begun: IteratorResult<Uint8Array> | undefined = first;
  const next = async (stream: Readable) => {
    for (;;) {
      const { value, done } = begun ?? (await iterator.next());
      begun = undefined;
      if (done) return void stream.push(null);
      if (value.length > 0) return void stream.push(value);
    }
  };
  return new Readable({
    read() {
      next(this).catch((error: unknown) => this.destroy(error as Error));
    },
    destroy(error, done) {
      Promise.resolve(iterator.return?.()).then(
        () => done(error),
        (failure: unknown) => done(error ?? (failure as Error)),
      );
    },
  });
}
