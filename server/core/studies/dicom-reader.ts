import type { DataSetCoercion } from '../dicom/coerced-data-set.ts';
import type { Segment } from '../dicom/edits.ts';
import type { ParsedInstance } from '../dicom/instance.ts';
import type { ReceivedBlob } from './blobs.ts';

/** A Part 10 file, read: everything of its instance row but what the blob store knows. */
export type ReadInstance = ParsedInstance & {
  /** Deflated transfer syntax only: where the inflated copy lies, not yet kept. */
  inflated?: ReceivedBlob;
  /** Only of a file that broke PS3.10 or PS3.5: the file that it should have been, which is stored in its place. */
  repaired?: ReceivedBlob & { repairs: string[] };
};

/** A stored file with another data set: new bytes, and ranges of what is stored. */
export interface CoercedFile {
  /** Bytes of preamble and file meta information, which are as they are stored. */
  dataSetAt: number;
  /** The data set from its first byte to the file's last. */
  segments: Segment[];
}

/** Reads Part 10 files in worker threads: bytes from outside are parsed nowhere else. Pixel data is not loaded. */
export interface DicomReader {
  /**
   * @throws Problem `structure` (not DICOM, truncated, a length that does not fit), `required` and `value` (its UIDs),
   * `not-supported` (transfer syntax), `too-costly` (past the limits of size or time), `transient` (too many wait).
   * @param signal gives up what still waits; rejects with its reason
   */
  read(path: string, signal?: AbortSignal): Promise<ReadInstance>;
  /**
   * What is given out of a stored file, inflated if it was deflated, with some attributes coerced.
   * @throws as `read`.
   */
  coerced(path: string, coercion: DataSetCoercion): Promise<CoercedFile>;
}
