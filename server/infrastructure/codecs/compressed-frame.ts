import { createRequire } from 'node:module';
import type * as Codecs from 'dcmjs-codecs';
import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { checkCodestream } from './codestream.ts';
import { decodeNative, samplesOf } from './native-frame.ts';
import { decodeRunLength } from './run-length.ts';
import type { FrameDescription } from './frame-description.ts';
import { own } from '../../core/table.ts';

type Codec = 'decodeJpeg' | 'decodeJpegLs' | 'decodeJpeg2000' | 'decodeHtJpeg2000';

/** Image codecs by transfer syntax (PS3.5 10, PS3.6 Table A-1). */
const codecs: Record<string, Codec> = {
  '1.2.840.10008.1.2.4.50': 'decodeJpeg',
  '1.2.840.10008.1.2.4.51': 'decodeJpeg',
  '1.2.840.10008.1.2.4.57': 'decodeJpeg',
  '1.2.840.10008.1.2.4.70': 'decodeJpeg',
  '1.2.840.10008.1.2.4.80': 'decodeJpegLs',
  '1.2.840.10008.1.2.4.81': 'decodeJpegLs',
  '1.2.840.10008.1.2.4.90': 'decodeJpeg2000',
  '1.2.840.10008.1.2.4.91': 'decodeJpeg2000',
  '1.2.840.10008.1.2.4.201': 'decodeHtJpeg2000',
  '1.2.840.10008.1.2.4.202': 'decodeHtJpeg2000',
  '1.2.840.10008.1.2.4.203': 'decodeHtJpeg2000',
};
const runLength = '1.2.840.10008.1.2.5';

// A minified CommonJS bundle: Node finds no named exports in it, and 20 ms of loading are for those who need it.
const load = (): typeof Codecs => createRequire(import.meta.url)('dcmjs-codecs') as typeof Codecs;

/**
 * Decodes one compressed frame, all its fragments joined.
 * @throws Problem `not-supported` for other syntaxes, `structure` when the stream is broken.
 */
export async function decodeCompressed(
  bytes: Uint8Array,
  frame: FrameDescription,
  transferSyntax: string,
): Promise<DecodedFrame> {
  if (transferSyntax === runLength)
    return decodeNative(decodeRunLength(bytes, frame), { ...frame, planar: frame.samplesPerPixel === 3 });
  const codec = own(codecs, transferSyntax);
  if (!codec) throw new Problem('not-supported', `Transfer syntax ${transferSyntax} is not decoded here`);
  checkCodestream(bytes, frame);
  const { NativeCodecs } = load();
  if (!NativeCodecs.isInitialized()) await NativeCodecs.initializeAsync();
  const decoded = runCodec(codec, bytes, frame, transferSyntax);
  const photometricInterpretation = decoded.rgb ? 'RGB' : frame.photometricInterpretation;
  const { rows, columns, samplesPerPixel } = frame;
  // Codecs give a byte a pixel where the image has a bit.
  const cells: FrameDescription = frame.bitsAllocated === 1 ? { ...frame, bitsAllocated: 8 } : frame;
  const pixels = samplesOf(decoded.bytes, cells, rows * columns * samplesPerPixel);
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsStored: frame.bitsStored,
    signed: frame.signed,
    photometricInterpretation,
    pixels,
  };
}

/**
 * JPEG's colour transform is undone unless the image says that its components are RGB already; JPEG 2000's
 * (YBR_RCT, YBR_ICT) belongs to the codestream and is undone by every decoder (PS3.5 8.2.4).
 */
function runCodec(
  codec: Codec,
  bytes: Uint8Array,
  frame: FrameDescription,
  transferSyntax: string,
): { bytes: Uint8Array; rgb: boolean } {
  const colour = frame.samplesPerPixel === 3;
  const lossy = /\.4\.5[01]$/.test(transferSyntax);
  const convertColorspaceToRgb = colour && codec === 'decodeJpeg' && lossy && frame.photometricInterpretation !== 'RGB';
  const { Context, NativeCodecs } = load();
  let result: Codecs.Context;
  try {
    const context = new Context({
      width: frame.columns,
      height: frame.rows,
      bitsAllocated: frame.bitsAllocated,
      bitsStored: frame.bitsStored,
      samplesPerPixel: frame.samplesPerPixel,
      pixelRepresentation: frame.signed ? 1 : 0,
      planarConfiguration: 0,
      photometricInterpretation: frame.photometricInterpretation,
      encodedBuffer: bytes,
    });
    result = NativeCodecs[codec](context, { convertColorspaceToRgb });
  } catch (cause) {
    throw new Problem('structure', 'The compressed frame cannot be decoded', { cause });
  }
  const decoded = result.getDecodedBuffer();
  if (!decoded || decoded.length === 0) throw new Problem('structure', 'The compressed frame cannot be decoded');
  return {
    bytes: decoded,
    rgb: colour && (convertColorspaceToRgb || /^YBR_(RCT|ICT)$/.test(frame.photometricInterpretation)),
  };
}
