/** Random access to bytes that need not be in memory. */
export interface ByteSource {
  readonly size: number;
  /**
   * The bytes `[offset, offset + length)`, which must lie inside. The view is good until the next call only.
   */
  bytes(offset: number, length: number): Uint8Array;
}

/** Bytes in memory as a source. */
export function memorySource(all: Uint8Array): ByteSource {
  return { size: all.length, bytes: (offset, length) => all.subarray(offset, offset + length) };
}
