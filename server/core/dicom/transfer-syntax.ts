/** How a data set is written (PS3.5 chapter 10 and Annex A). */
export interface TransferSyntax {
  explicit: boolean;
  littleEndian: boolean;
  /** The whole data set is one deflate stream (RFC 1951). */
  deflated: boolean;
  /** Pixel data may be encapsulated in fragments. */
  encapsulated: boolean;
  /** A fragment stream holds all frames (MPEG, HEVC): frames cannot be told apart by fragments. */
  video: boolean;
}

const plain: TransferSyntax = {
  explicit: true,
  littleEndian: true,
  deflated: false,
  encapsulated: false,
  video: false,
};
const encapsulated: TransferSyntax = { ...plain, encapsulated: true };
const video: TransferSyntax = { ...encapsulated, video: true };
const deflated: TransferSyntax = { ...plain, deflated: true };

/** The transfer syntaxes of PS3.6 Table A-1, retired ones included; what is not here is not stored. */
const known = new Map<string, TransferSyntax>(
  Object.entries({
    '1.2.840.10008.1.2': { ...plain, explicit: false },
    '1.2.840.10008.1.2.1': plain,
    '1.2.840.10008.1.2.1.98': encapsulated, // Encapsulated Uncompressed
    '1.2.840.10008.1.2.1.99': deflated,
    '1.2.840.10008.1.2.2': { ...plain, littleEndian: false },
    '1.2.840.10008.1.2.4.94': plain, // JPIP Referenced: no pixel data in the file
    '1.2.840.10008.1.2.4.95': deflated, // JPIP Referenced Deflate
    '1.2.840.10008.1.2.4.204': plain, // JPIP HTJ2K Referenced
    '1.2.840.10008.1.2.4.205': deflated, // JPIP HTJ2K Referenced Deflate
    '1.2.840.10008.1.2.5': encapsulated, // RLE
    '1.2.840.10008.1.2.8.1': encapsulated, // Deflated Image Frame Compression
  }),
);
// JPEG (50 to 66, 70), JPEG-LS (80, 81), JPEG 2000 (90 to 93), JPEG XL (110 to 112), HTJ2K (201 to 203).
for (const last of [...range(50, 66), 70, 80, 81, ...range(90, 93), ...range(110, 112), ...range(201, 203)])
  known.set(`1.2.840.10008.1.2.4.${last}`, encapsulated);
// MPEG2 (100, 101), MPEG-4 AVC (102 to 106), HEVC (107, 108), and their fragmentable forms (.1).
for (const last of range(100, 108)) known.set(`1.2.840.10008.1.2.4.${last}`, video);
for (const last of range(100, 106)) known.set(`1.2.840.10008.1.2.4.${last}.1`, video);

/** Undefined for a transfer syntax that cannot be read here: guessing would let two readers see two data sets. */
export function transferSyntax(uid: string): TransferSyntax | undefined {
  return known.get(uid);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
