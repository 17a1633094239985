import type { FrameDescription } from './frame-description.ts';
import { Problem } from '../../core/problem.ts';
import { own } from '../../core/table.ts';

export interface Encoding {
  format: 'rle' | 'jpeg' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000' | 'ht-jpeg-2000';
  /** HTJ2K only: in the order of resolutions, with the marker that says where each begins (PS3.5 A.4.4). */
  rpcl?: true;
  /** What Lossy Image Compression Method (0028,2114) calls it (PS3.3 C.7.6.1.1.5.1). */
  lossy?: string;
}

/** What frames are encoded as, by transfer syntax. */
const encodings: Record<string, Encoding> = {
  '1.2.840.10008.1.2.4.50': { format: 'jpeg', lossy: 'ISO_10918_1' },
  '1.2.840.10008.1.2.4.70': { format: 'jpeg-lossless' },
  '1.2.840.10008.1.2.4.80': { format: 'jpeg-ls' },
  '1.2.840.10008.1.2.4.90': { format: 'jpeg-2000' },
  '1.2.840.10008.1.2.4.91': { format: 'jpeg-2000', lossy: 'ISO_15444_1' },
  '1.2.840.10008.1.2.4.201': { format: 'ht-jpeg-2000' },
  '1.2.840.10008.1.2.4.202': { format: 'ht-jpeg-2000', rpcl: true },
  '1.2.840.10008.1.2.4.203': { format: 'ht-jpeg-2000', lossy: 'ISO_15444_15' },
  '1.2.840.10008.1.2.5': { format: 'rle' },
};

/** @throws Problem `not-supported` for a syntax that nothing is encoded in here. */
export function encodingOf(transferSyntax: string): Encoding {
  const encoding = own(encodings, transferSyntax);
  if (!encoding)
    throw new Problem('not-supported', `Images are not converted to transfer syntax ${transferSyntax} here`);
  return encoding;
}

/** What is said of the pixels of an encoded image (PS3.5 8.2.1 to 8.2.4). */
export interface EncodedForm {
  photometricInterpretation: string;
  bitsAllocated: 8 | 16 | 32;
}

/**
 * How an image, decoded, is described when it is encoded.
 *
 * @param photometric of the decoded samples
 * @throws Problem `not-supported` for images that the transfer syntax cannot hold, or that no codec here encodes right.
 */
export function encodedForm(frame: FrameDescription, photometric: string, { format, lossy }: Encoding): EncodedForm {
  const refuse = (what: string): never => {
    throw new Problem('not-supported', `${what} cannot be given in this transfer syntax: ask for 1.2.840.10008.1.2.1`);
  };
  const { bitsAllocated, bitsStored, samplesPerPixel, signed } = frame;
  const colour = samplesPerPixel === 3;
  if (frame.float) return refuse('Float pixel data');
  if (bitsAllocated === 1 || bitsStored < 2) return refuse('An image of one bit');
  if (bitsStored > 16 && format !== 'rle') return refuse('An image of more than 16 bits');
  if (format === 'jpeg' && (bitsStored > 8 || signed)) return refuse('An image of more than eight bits or with a sign');
  if (lossy !== undefined && photometric === 'PALETTE COLOR') return refuse('An image of palette indices');
  if (colour && bitsStored > 8 && format.endsWith('jpeg-2000')) return refuse('Colour of more than eight bits');
  if (colour && !/^(RGB|YBR_FULL)$/.test(photometric)) return refuse(`An image in ${photometric}`);
  const cells = bitsAllocated <= 8 ? 8 : bitsAllocated <= 16 ? 16 : 32;
  return {
    bitsAllocated: cells,
    photometricInterpretation: colour ? colourIn(photometric, format, lossy) : photometric,
  };
}

/** JPEG takes colour apart into YBR with half of the chrominance; JPEG 2000 has transforms of its own for RGB. */
function colourIn(photometric: string, format: Encoding['format'], lossy: string | undefined): string {
  if (format === 'jpeg') return 'YBR_FULL_422';
  if (!format.endsWith('jpeg-2000') || photometric !== 'RGB') return photometric;
  return lossy === undefined ? 'YBR_RCT' : 'YBR_ICT';
}
