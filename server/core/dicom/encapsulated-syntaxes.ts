/** What is known of the transfer syntaxes with compressed frames (PS3.5 Annex A, PS3.18 8.7.3). */
import { own } from '../table.ts';

interface CompressedSyntax {
  /** Media type of a frame by itself (PS3.18 Table 8.7.3-5); none has its frames given as octets. */
  media?: string;
  /** Frames can be decoded here. */
  decoded: boolean;
}

const uncompressed = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'];
const last = (...numbers: number[]) => numbers.map((number) => `1.2.840.10008.1.2.4.${number}`);

const groups: [media: string | undefined, decoded: boolean, uids: string[]][] = [
  [undefined, true, ['1.2.840.10008.1.2.1.98', '1.2.840.10008.1.2.8.1']],
  ['image/dicom-rle', true, ['1.2.840.10008.1.2.5']],
  ['image/jpeg', true, last(50, 51, 57, 70)],
  ['image/jls', true, last(80, 81)],
  ['image/jp2', true, last(90, 91)],
  ['image/jpx', false, last(92, 93)],
  ['image/jphc', true, last(201, 202, 203)],
  ['image/jxl', true, last(110, 111, 112)],
  ['video/mpeg', false, last(100, 101)],
  ['video/mp4', false, last(102, 103, 104, 105, 106, 107, 108)],
];

const table = new Map<string, CompressedSyntax>(
  groups.flatMap(([media, decoded, uids]) =>
    uids.map((uid) => [uid, { ...(media !== undefined && { media }), decoded }] as const),
  ),
);

/** Names that these types had before they were settled; clients in the field still ask by them. */
const formerNames: Readonly<Record<string, string>> = {
  'image/dicom-rle': 'image/x-dicom-rle',
  'image/jls': 'image/x-jls',
  'image/jphc': 'image/jhc',
};

/**
 * Media types by which frames of this syntax may be asked for, the right one first. None for syntaxes with native
 * pixel data, and for compressed ones that have no media type of their own.
 */
export function frameMediaTypes(transferSyntax: string): string[] {
  const media = table.get(transferSyntax)?.media;
  const former = own(formerNames, media ?? '');
  return [media, former].filter((name) => name !== undefined);
}

/** Transfer syntaxes whose pixels can be had uncompressed. */
export const decodedSyntaxes: readonly string[] = [
  ...uncompressed,
  ...[...table].filter(([, { decoded }]) => decoded).map(([uid]) => uid),
];
const decoded = new Set(decodedSyntaxes);

/** Whether pixels of this transfer syntax can be had uncompressed. */
export function isDecoded(transferSyntax: string): boolean {
  return decoded.has(transferSyntax);
}

/** Transfer syntaxes in which stored images can be had on request, whatever they are stored in; all but three are lossless. */
export const encodedSyntaxes: readonly string[] = ['1.2.840.10008.1.2.5', ...last(50, 70, 80, 90, 91, 201, 202, 203)];

/** Whether images that are stored in one transfer syntax can be had in another, compressed one. */
export function canBeEncoded(stored: string, transferSyntax: string): boolean {
  return encodedSyntaxes.includes(transferSyntax) && isDecoded(stored);
}

/** The transfer syntax of an image media type that is asked for without one (PS3.18 8.7.3.3.2): always a lossless one. */
const defaults: Readonly<Record<string, string>> = {
  'image/jpeg': '1.2.840.10008.1.2.4.70',
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/jphc': '1.2.840.10008.1.2.4.201',
};

/** Media types in which frames can be had, whatever they are stored in. */
export const encodedMediaTypes: readonly string[] = Object.keys(defaults);

/** Undefined for a media type that nothing is encoded in. */
export function defaultSyntaxOf(media: string): string | undefined {
  return own(defaults, media);
}
