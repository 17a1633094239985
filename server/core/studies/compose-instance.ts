/**
 * A file out of what a sender keeps apart: attributes as metadata, and images, videos and documents in their own formats
 * (PS3.18 8.6.1.2.2, 10.5.2). What comes out is stored by the one way in, as any other file.
 */
import { compressedStream, type CompressedStream } from '../dicom/compressed-stream.ts';
import { frameMediaTypes } from '../dicom/encapsulated-syntaxes.ts';
import { fileMetaBytes } from '../dicom/file-meta.ts';
import { dataSetPieces, type BulkBytes, type BulkContent } from '../dicom/json-data-set.ts';
import type { DicomElement, DicomJson } from '../dicom/json.ts';
import { transferSyntax } from '../dicom/transfer-syntax.ts';
import { Problem } from '../problem.ts';
import { own, put } from '../table.ts';

/** A part of a request that holds a value. */
export interface BulkPart extends BulkBytes {
  /** Media type in lower case. */
  media: string;
  /** As the sender says. */
  transferSyntax?: string;
  /** Its first bytes, enough for the headers of any image. */
  beginning: Uint8Array;
  /** A part of it. */
  range(offset: number, length: number): BulkBytes;
}

/** Bytes of a part's beginning that are looked at. */
export const beginningLength = 256 << 10;

const octets = 'application/octet-stream';
const explicit = '1.2.840.10008.1.2.1';
const rle = '1.2.840.10008.1.2.5';
const pixels = '7FE00010';
const document = '00420011';
/** The default of PS3.18 8.7.3.5.2, where the stream does not say. */
const ofVideo: Readonly<Record<string, string>> = {
  'video/mpeg2': '1.2.840.10008.1.2.4.100',
  'video/mpeg': '1.2.840.10008.1.2.4.100',
  'video/mp4': '1.2.840.10008.1.2.4.102',
  'video/h265': '1.2.840.10008.1.2.4.107',
};
const documents = new Set(['application/pdf', 'text/xml', 'model/stl', 'model/obj', 'model/mtl', 'application/sla']);

/**
 * @param attributes one instance of the metadata
 * @param partsAt the parts with this Content-Location, in the order of the request: several are frames
 * @returns the bytes of its Part 10 file
 * @throws Problem `structure` where metadata and parts contradict each other or a part is missing, `value` and
 * `too-long` as `dataSetPieces`.
 */
export function composeInstance(
  attributes: DicomJson,
  partsAt: (address: string) => readonly BulkPart[],
): AsyncIterable<Uint8Array> {
  const complete: DicomJson = Object.fromEntries(
    Object.entries(attributes).map(([tag, element]) => [tag.toUpperCase(), element]),
  );
  let TransferSyntaxUID = explicit;
  const address = own(complete, pixels)?.BulkDataURI;
  if (typeof address === 'string') {
    const image = imageOf(existing(partsAt(address), address), textOf(complete, '00020010'));
    TransferSyntaxUID = image.TransferSyntaxUID;
    if (image.stream) describeImage(complete, image.stream, image.parts.length);
  }
  describeDocument(complete, partsAt);
  const find = (uri: string, tag: string): BulkContent =>
    contentOf(existing(partsAt(uri), uri), tag, TransferSyntaxUID);
  const pieces = dataSetPieces(complete, find);
  const SOPClassUID = textOf(complete, '00080016') ?? '';
  const SOPInstanceUID = textOf(complete, '00080018') ?? '';
  const meta = fileMetaBytes({ SOPClassUID, SOPInstanceUID, TransferSyntaxUID });
  return fileOf(meta, pieces);
}

async function* fileOf(meta: Uint8Array, pieces: ReturnType<typeof dataSetPieces>): AsyncGenerator<Uint8Array> {
  yield meta;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* piece.chunks();
  }
}

function existing(parts: readonly BulkPart[], address: string): readonly BulkPart[] {
  if (parts.length === 0)
    throw new Problem('structure', `No part of the request has the Content-Location that a BulkDataURI names (of ${address.length} characters)`); // prettier-ignore
  return parts;
}

function textOf(attributes: DicomJson, tag: string): string | undefined {
  const value = own(attributes, tag)?.Value?.[0];
  return typeof value === 'string' ? value.trim() : undefined;
}

interface Image {
  TransferSyntaxUID: string;
  stream: CompressedStream | undefined;
  parts: readonly BulkPart[];
}

/** What the parts of pixel data are: native samples, compressed frames or a video. */
function imageOf(parts: readonly BulkPart[], named: string | undefined): Image {
  const [first] = parts;
  const { media } = first!;
  if (parts.some((part) => part.media !== media))
    throw new Problem('structure', 'The frames of one image have several media types');
  const said = first!.transferSyntax ?? named;
  if (media === octets) return { TransferSyntaxUID: explicit, stream: undefined, parts };
  if (said !== undefined && !frameMediaTypes(said).includes(media) && transferSyntax(said)?.encapsulated)
    throw new Problem('structure', `The transfer syntax that was named does not go with ${media}`);
  const video = own(ofVideo, media);
  if (video !== undefined) return { TransferSyntaxUID: isOf(said, media) ? said! : video, stream: undefined, parts };
  if (media === 'image/dicom-rle' || media === 'image/x-dicom-rle')
    return { TransferSyntaxUID: rle, stream: undefined, parts };
  const streams = parts.map(({ beginning }) => compressedStream(beginning));
  const [stream] = streams;
  if (!stream || streams.some((one) => one?.TransferSyntaxUID !== stream.TransferSyntaxUID))
    throw new Problem('structure', `A part of ${media} is no JPEG, JPEG-LS, JPEG 2000 or JPEG XL stream, or not all are of one kind`); // prettier-ignore
  if (!frameMediaTypes(stream.TransferSyntaxUID).includes(media))
    throw new Problem('structure', `A part says that it is ${media}, and its bytes are another format`);
  // A promise that the stream could keep is the sender's to make: that nothing was lost.
  const isPromise = isOf(said, media) && !(stream.lossy && /\.(70|57|80|90|110|201|202)$/.test(said!));
  return { TransferSyntaxUID: isPromise ? said! : stream.TransferSyntaxUID, stream, parts };
}

const isOf = (syntax: string | undefined, media: string): boolean =>
  syntax !== undefined && frameMediaTypes(syntax).includes(media);

/** Attributes of Image Pixel (PS3.3 C.7.6.3): taken from the stream where they are missing, compared where they are not. */
function describeImage(
  attributes: DicomJson,
  { image, lossy, TransferSyntaxUID }: CompressedStream,
  frames: number,
): void {
  if (image) {
    const { rows, columns, samples, bits, signed, photometric } = image;
    const same: [tag: string, name: string, value: number][] = [
      ['00280010', 'Rows', rows],
      ['00280011', 'Columns', columns],
      ['00280002', 'Samples per Pixel', samples],
    ];
    for (const [tag, name, value] of same) {
      const said = own(attributes, tag)?.Value?.[0];
      if (said !== undefined && Number(said) !== value)
        throw new Problem('structure', `${name} of the metadata is not that of the compressed image`);
      put(attributes, tag, { vr: 'US', Value: [value] });
    }
    const allocated = bits <= 8 ? 8 : bits <= 16 ? 16 : 32;
    const stored = Number(own(attributes, '00280101')?.Value?.[0] ?? bits);
    if (stored > bits)
      throw new Problem('structure', 'Bits Stored of the metadata is more than the compressed image has');
    fill(attributes, '00280004', { vr: 'CS', Value: [photometric] });
    fill(attributes, '00280100', { vr: 'US', Value: [allocated] });
    fill(attributes, '00280101', { vr: 'US', Value: [stored] });
    fill(attributes, '00280102', { vr: 'US', Value: [stored - 1] });
    fill(attributes, '00280103', { vr: 'US', Value: [signed ? 1 : 0] });
    if (samples > 1) fill(attributes, '00280006', { vr: 'US', Value: [0] });
  }
  const said = own(attributes, '00280008')?.Value?.[0];
  if (said !== undefined && Number(said) !== frames)
    throw new Problem('structure', `Number of Frames is not the number of parts with the Content-Location of the pixel data, ${frames}`); // prettier-ignore
  if (frames > 1) fill(attributes, '00280008', { vr: 'IS', Value: [frames] });
  if (!lossy) return;
  fill(attributes, '00282110', { vr: 'CS', Value: ['01'] });
  fill(attributes, '00282114', { vr: 'CS', Value: [lossyMethod(TransferSyntaxUID)] });
}

/** PS3.3 C.7.6.1.1.5.1. */
function lossyMethod(syntax: string): string {
  if (/\.8[01]$/.test(syntax)) return 'ISO_14495_1';
  if (/\.20[123]$/.test(syntax)) return 'ISO_15444_15';
  if (/\.9[0-3]$/.test(syntax)) return 'ISO_15444_1';
  return /\.11[0-2]$/.test(syntax) ? 'ISO_18181_1' : 'ISO_10918_1';
}

function fill(attributes: DicomJson, tag: string, element: DicomElement): void {
  if (own(attributes, tag)?.Value?.[0] === undefined) put(attributes, tag, element);
}

/** MIME Type of Encapsulated Document (0042,0012), and that a PDF is one. */
function describeDocument(attributes: DicomJson, partsAt: (address: string) => readonly BulkPart[]): void {
  const address = own(attributes, document)?.BulkDataURI;
  if (typeof address !== 'string') return;
  const [part] = existing(partsAt(address), address);
  const { media, beginning } = part!;
  if (media === 'application/pdf' && !Buffer.from(beginning.subarray(0, 1024)).toString('latin1').includes('%PDF-'))
    throw new Problem('structure', 'A part says that it is application/pdf, and its bytes are no PDF');
  if (!documents.has(media)) return;
  const said = textOf(attributes, '00420012');
  if (said !== undefined && said.toLowerCase() !== media)
    throw new Problem('structure', 'MIME Type of Encapsulated Document is not that of its part');
  attributes['00420012'] = { vr: 'LO', Value: [media] };
}

function contentOf(parts: readonly BulkPart[], tag: string, TransferSyntaxUID: string): BulkContent {
  if (tag === pixels && transferSyntax(TransferSyntaxUID)!.encapsulated)
    return { fragments: parts.map((part) => withoutBoxes(part)) };
  const [only, second] = parts;
  if (!second) return only!;
  if (tag !== pixels) throw new Problem('structure', 'Several parts have the Content-Location of one value');
  // Frames follow each other without padding (PS3.5 8.1.1).
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return { length, chunks: () => oneAfterAnother(parts) };
}

/** A JPEG 2000 file is its stream and boxes around it, which do not belong into DICOM (PS3.5 A.4.4). */
function withoutBoxes(part: BulkPart): BulkBytes {
  const stream = part.media.startsWith('image/') ? compressedStream(part.beginning) : undefined;
  if (!stream || stream.offset === 0) return part;
  // The last box goes on to the end of the file, of which the beginning is known only.
  const isLast = stream.offset + stream.length >= part.beginning.length;
  return part.range(stream.offset, isLast ? part.length - stream.offset : stream.length);
}

async function* oneAfterAnother(parts: readonly BulkPart[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part.chunks();
}
