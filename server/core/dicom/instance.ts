import type { DicomJson } from './json.ts';

/** One stored SOP instance: a row of the instance index. Property names are DICOM keywords. */
export interface InstanceRow {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
  SOPClassUID: string;
  TransferSyntaxUID: string;
  /** SHA-256 of the stored bytes, lower-case hex: the blob's name. */
  blob: string;
  /** Deflated transfer syntax only: blob of the same file with the data set inflated. `bulk` and `frames` are offsets in it. */
  inflated?: string;
  /** Bytes of the whole Part 10 file. */
  size: number;
  /**
   * The data set as DICOM JSON (PS3.18 Annex F) without group 2, text in UTF-8. A value that is left out has
   * `BulkDataURI` = its path below `/bulkdata/` (`7FE00010`, `00082112/1/00420011`): put the instance's URL before it.
   */
  attributes: DicomJson;
  /** Where those values lie in the file, in the byte order of the file. Key: dotted path such as `7FE00010` or `00082112.1.00420011`. */
  bulk: Record<string, { vr: string; offset: number; length: number }>;
  /** Where the frames lie in the file; null if there is no pixel data. */
  frames: FrameIndex | null;
  /**
   * On the way into the store only: as JSON what is too long to travel between threads as objects. The property of the
   * same name then holds what is short of it: attributes without their long elements, otherwise nothing.
   */
  long?: LongParts;
}

export interface LongParts {
  attributes?: string;
  bulk?: string;
  frames?: string;
}

export type FrameIndex =
  /** Native pixel data: frame n (from 0) starts at `offset + n * length`; `bitsAllocated` 1 is packed and has no byte alignment. */
  | { encapsulated: false; offset: number; length: number; count: number; bitPacked: boolean }
  /** Encapsulated: for each frame the fragments that make it up, as [offset, length] pairs in the file. */
  | { encapsulated: true; frames: [offset: number, length: number][][] };

/** One decoded frame, samples interleaved (RGBRGB), before any modality or VOI transform. */
export interface DecodedFrame {
  rows: number;
  columns: number;
  samplesPerPixel: 1 | 3;
  bitsStored: number;
  signed: boolean;
  photometricInterpretation: string;
  pixels: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
}

/** What a Part 10 file says of itself: everything of its row but what the blob store knows. */
export type ParsedInstance = Omit<InstanceRow, 'blob' | 'size' | 'inflated'>;
