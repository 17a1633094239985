import { inflateRawSync } from 'node:zlib';
import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { checkCodestream, checkEnd, withoutSign } from './codestream.ts';
import { checkJpegXl } from './jpeg-xl-size.ts';
import { imageSamples, withSign, type CodedImage } from './coded-image.ts';
import { decodeCodestream, decodeJpeg, type WasmFormat } from './decode-codestream.ts';
import { decodeNative, nativeLength } from './native-frame.ts';
import { decodeRunLength } from './run-length.ts';
import type { FrameDescription } from './frame-description.ts';
import { own } from '../../core/table.ts';

/** How frames are compressed, by transfer syntax (PS3.5 Annex A, PS3.6 Table A-1). */
const formats: Record<string, WasmFormat | 'jpeg' | 'jpeg-lossless' | 'rle' | 'deflated' | 'native'> = {
  '1.2.840.10008.1.2.1.98': 'native',
  '1.2.840.10008.1.2.4.50': 'jpeg',
  '1.2.840.10008.1.2.4.51': 'jpeg',
  '1.2.840.10008.1.2.4.57': 'jpeg-lossless',
  '1.2.840.10008.1.2.4.70': 'jpeg-lossless',
  '1.2.840.10008.1.2.4.80': 'jpeg-ls',
  '1.2.840.10008.1.2.4.81': 'jpeg-ls',
  '1.2.840.10008.1.2.4.90': 'jpeg-2000',
  '1.2.840.10008.1.2.4.91': 'jpeg-2000',
  '1.2.840.10008.1.2.4.110': 'jpeg-xl',
  '1.2.840.10008.1.2.4.111': 'jpeg-xl',
  '1.2.840.10008.1.2.4.112': 'jpeg-xl',
  '1.2.840.10008.1.2.4.201': 'ht-jpeg-2000',
  '1.2.840.10008.1.2.4.202': 'ht-jpeg-2000',
  '1.2.840.10008.1.2.4.203': 'ht-jpeg-2000',
  '1.2.840.10008.1.2.5': 'rle',
  '1.2.840.10008.1.2.8.1': 'deflated',
};

/**
 * Decodes one compressed frame, all its fragments joined.
 * @throws Problem `not-supported` for other syntaxes, `structure` when the stream is broken.
 */
export async function decodeCompressed(
  bytes: Uint8Array,
  frame: FrameDescription,
  transferSyntax: string,
): Promise<DecodedFrame> {
  const format = own(formats, transferSyntax);
  if (!format) throw new Problem('not-supported', `Transfer syntax ${transferSyntax} is not decoded here`);
  if (frame.float || frame.bitsAllocated === 12)
    throw new Problem('structure', 'Pixel data of this kind is never compressed (PS3.5 8.2)');
  if (format === 'rle')
    return decodeNative(decodeRunLength(bytes, frame), { ...frame, planar: frame.samplesPerPixel === 3 });
  if (format === 'native') return decodeNative(bytes.slice(), frame);
  if (format === 'deflated') return decodeNative(inflated(bytes, nativeLength(frame)), frame);
  const image = await coded(format, bytes, frame);
  const { rows, columns, samplesPerPixel, bitsStored } = frame;
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsStored,
    signed: frame.signed && bitsStored > 1,
    photometricInterpretation: decodedPhotometric(frame, transferSyntax),
    pixels: imageSamples(image, frame),
  };
}

/** What decoded samples are: RGB where the decoder undoes a transform of colours, and never subsampled. */
export function decodedPhotometric(frame: FrameDescription, transferSyntax: string): string {
  const { photometricInterpretation: stored, samplesPerPixel } = frame;
  if (samplesPerPixel !== 3) return stored;
  const format = own(formats, transferSyntax);
  if (format === 'jpeg' || format === 'jpeg-xl' || /^YBR_(RCT|ICT)$/.test(stored)) return 'RGB';
  return stored === 'YBR_FULL_422' ? 'YBR_FULL' : stored;
}

/**
 * JPEG's colour transform is undone unless the image says that its components are RGB already, and can be believed: RGB
 * is never subsampled. That of JPEG 2000 (YBR_RCT, YBR_ICT) and JPEG XL belongs to the codestream and is undone by every
 * decoder (PS3.5 8.2.4).
 */
async function coded(
  format: WasmFormat | 'jpeg' | 'jpeg-lossless',
  bytes: Uint8Array,
  frame: FrameDescription,
): Promise<CodedImage> {
  const colour = frame.samplesPerPixel === 3;
  if (format === 'jpeg-xl') {
    checkJpegXl(bytes, frame);
    return decodeCodestream(format, bytes);
  }
  const size = checkCodestream(bytes, frame);
  if (format !== 'jpeg-2000') checkEnd(bytes, size);
  if (format === 'jpeg' || format === 'jpeg-lossless') {
    const transformed = frame.photometricInterpretation !== 'RGB' || (!size.uniform && !size.saysRgb);
    const rgb = colour && format === 'jpeg' && transformed;
    return decodeJpeg(bytes, size, rgb);
  }
  if (!size.uniform)
    throw new Problem('not-supported', 'Components of different size or depth in one image are not decoded here');
  // OpenJPH gives the lines of such components in the wrong places; OpenJPEG reads the same codestreams.
  const reader = format === 'ht-jpeg-2000' && colour && !size.transformed ? 'jpeg-2000' : format;
  const image = await decodeCodestream(reader, size.signed ? withoutSign(bytes) : bytes);
  return size.signed ? withSign(image) : image;
}

/** A frame may end with the byte that makes its length even. */
function inflated(bytes: Uint8Array, length: number): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: length + 1 }));
  } catch {
    throw new Problem('structure', 'The deflated frame cannot be inflated to the size of the image');
  }
}
