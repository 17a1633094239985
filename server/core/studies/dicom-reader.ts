import type { ParsedInstance } from '../dicom/instance.ts';
import type { ReceivedBlob } from './blobs.ts';

/** A Part 10 file, read: everything of its instance row but what the blob store knows. */
export type ReadInstance = ParsedInstance & {
  /** Deflated transfer syntax only: where the inflated copy lies, not yet kept. */
  inflated?: ReceivedBlob;
};

/** Reads Part 10 files in worker threads: bytes from outside are parsed nowhere else. Pixel data is not loaded. */
export interface DicomReader {
  /**
   * @throws Problem `structure` (not DICOM, truncated, a length that does not fit), `required` and `value` (its UIDs),
   * `not-supported` (transfer syntax), `too-costly` (past the limits of size or time), `transient` (too many wait).
   * @param signal gives up what still waits; rejects with its reason
   */
  read(path: string, signal?: AbortSignal): Promise<ReadInstance>;
}
