import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { rgbFromYbr } from '../../core/dicom/display.ts';
import { Problem } from '../../core/problem.ts';
import { withCoder, type FrameInfo, type WasmEncoder } from './codec-modules.ts';
import { withSignMark } from './codestream.ts';
import { loadNativeCodecs } from './decode-codestream.ts';
import { encodeRunLength } from './encode-run-length.ts';
import type { Encoding } from './encoded-form.ts';

/** Of JPEG; that of the rendered pictures. */
const quality = 90;
/** dcmjs-codecs' name for 4:2:2. */
const halfChrominance = 1;
/** Of lossy JPEG 2000: bytes of the samples to those of the codestream. */
const ratio = 10;
/** Of lossy HTJ2K: a step of the wavelet's coefficients, in parts of the range of the samples. */
const step = 1 / 512;

/**
 * Encodes a decoded frame, of even length (PS3.5 A.4). `encodedForm` has said before that this is possible.
 * @throws Problem `not-supported` with the codec's error as its cause.
 */
export async function encodeFrame(frame: DecodedFrame, encoding: Encoding): Promise<Uint8Array> {
  try {
    const bytes = await encoded(frame, encoding);
    if (bytes.length === 0) throw new Error('nothing came out');
    const even = new Uint8Array(bytes.length + (bytes.length % 2));
    even.set(bytes);
    return even;
  } catch (cause) {
    throw new Problem('not-supported', 'The image cannot be encoded in this transfer syntax', {
      cause: cause ?? new Error('unknown'),
    });
  }
}

async function encoded(frame: DecodedFrame, { format, rpcl, lossy }: Encoding): Promise<Uint8Array> {
  if (format === 'rle') return encodeRunLength(frame);
  if (format === 'jpeg-ls') return jpegLs(frame);
  if (format === 'jpeg' || format === 'jpeg-lossless') return jpeg(frame, format === 'jpeg');
  const bytes = format === 'jpeg-2000' ? await jpeg2000(frame, lossy !== undefined) : await htJpeg2000(frame, rpcl === true, lossy !== undefined); // prettier-ignore
  return frame.signed ? withSignMark(bytes) : bytes;
}

/**
 * Samples without a sign in the stored bits. JPEG and JPEG-LS know no sign and take the bits (PS3.5 8.2.1, 8.2.3); for JPEG
 * 2000 they are greater by half of the range, which the codestream's own mark undoes.
 */
function unsignedCells({ pixels, bitsStored, signed }: DecodedFrame, shifted: boolean): Uint8Array {
  const cells = pixels.BYTES_PER_ELEMENT === 1 ? new Uint8Array(pixels.length) : new Uint16Array(pixels.length);
  const mask = 2 ** bitsStored - 1;
  const half = signed && shifted ? 2 ** (bitsStored - 1) : 0;
  for (let i = 0; i < cells.length; i++) cells[i] = (pixels[i]! + half) & mask;
  return new Uint8Array(cells.buffer);
}

/** Codecs take samples of up to eight bits in one byte, whatever Bits Allocated is. */
function narrow(frame: DecodedFrame): DecodedFrame {
  if (frame.bitsStored > 8 || frame.pixels.BYTES_PER_ELEMENT === 1) return frame;
  return { ...frame, pixels: frame.signed ? Int8Array.from(frame.pixels) : Uint8Array.from(frame.pixels) };
}

function infoOf({ rows, columns, samplesPerPixel, bitsStored, photometricInterpretation }: DecodedFrame): FrameInfo {
  return {
    width: columns,
    height: rows,
    bitsPerSample: bitsStored,
    componentCount: samplesPerPixel,
    isSigned: false,
    isUsingColorTransform: samplesPerPixel === 3 && photometricInterpretation === 'RGB',
  };
}

function encodeIn(encoder: WasmEncoder, cells: Uint8Array, info: FrameInfo): { result: Uint8Array; memory: number } {
  encoder.getDecodedBuffer(info).set(cells);
  encoder.encode();
  const buffer = encoder.getEncodedBuffer();
  // Not `slice`: CharLS hands over a clamped array.
  return { result: new Uint8Array(buffer), memory: buffer.buffer.byteLength };
}

/** Colour by lines: the form that all readers know. */
async function jpegLs(given: DecodedFrame): Promise<Uint8Array> {
  const frame = narrow(given);
  return withCoder(
    'charls',
    ({ JpegLSEncoder }) => new JpegLSEncoder(),
    (encoder) => {
      encoder.setNearLossless(0);
      encoder.setInterleaveMode(frame.samplesPerPixel === 3 ? 1 : 0);
      return encodeIn(encoder, unsignedCells(frame, false), infoOf(frame));
    },
  );
}

/** Decomposed until it is 64 pixels long at most, which viewers show while the rest comes (PS3.5 A.4.4). */
async function htJpeg2000(given: DecodedFrame, rpcl: boolean, lossy: boolean): Promise<Uint8Array> {
  const frame = narrow(given);
  // Never none: OpenJPH loses the sign of samples then.
  const levels = Math.max(1, Math.ceil(Math.log2(Math.max(frame.rows, frame.columns) / 64)));
  return withCoder(
    'openjph',
    ({ HTJ2KEncoder }) => new HTJ2KEncoder(),
    (encoder) => {
      encoder.setDecompositions(rpcl ? levels : 5);
      encoder.setProgressionOrder(2);
      encoder.setTLMMarker(rpcl);
      encoder.setTilePartDivisionsAtResolutions(rpcl);
      encoder.setQuality(!lossy, lossy ? step : 0);
      const info = infoOf(frame);
      const cells = unsignedCells(frame, true);
      const apart = frame.samplesPerPixel === 3 && !info.isUsingColorTransform;
      return encodeIn(encoder, apart ? byComponents(cells, frame) : cells, info);
    },
  );
}

/** Colours that are not transformed are taken by OpenJPH line by line of one component, then of the next. */
function byComponents(cells: Uint8Array, { rows, columns }: DecodedFrame): Uint8Array {
  const moved = new Uint8Array(cells.length);
  for (let line = 0; line < rows * 3; line++) {
    const from = (line % rows) * columns * 3 + Math.floor(line / rows);
    const to = Math.floor(line / 3) * columns * 3 + (line % 3);
    for (let x = 0; x < columns * 3; x += 3) moved[to + x] = cells[from + x]!;
  }
  return moved;
}

async function jpeg2000(frame: DecodedFrame, lossy: boolean): Promise<Uint8Array> {
  return native(narrow(frame), true, (codecs, context) =>
    codecs.encodeJpeg2000(context, lossy ? { lossy, rate: ratio } : { lossy }),
  );
}

/** Lossless: first-order prediction from the left, selection value 1 (PS3.5 A.4.1, process 14). */
async function jpeg(frame: DecodedFrame, lossy: boolean): Promise<Uint8Array> {
  const parameters = lossy
    ? { lossy, quality, sampleFactor: halfChrominance }
    : { lossy, predictor: 1, pointTransform: 0 };
  return native(narrow(lossy ? inRgb(frame) : frame), false, (codecs, context) =>
    codecs.encodeJpeg(context, parameters),
  );
}

/** The encoder takes what it gets for RGB. */
function inRgb(frame: DecodedFrame): DecodedFrame {
  if (frame.photometricInterpretation !== 'YBR_FULL') return frame;
  return { ...frame, photometricInterpretation: 'RGB', pixels: rgbFromYbr(Uint8Array.from(frame.pixels)) };
}

type Native = Awaited<ReturnType<typeof loadNativeCodecs>>;

async function native(
  frame: DecodedFrame,
  shifted: boolean,
  encode: (codecs: Native['NativeCodecs'], context: InstanceType<Native['Context']>) => InstanceType<Native['Context']>,
): Promise<Uint8Array> {
  const { Context, NativeCodecs } = await loadNativeCodecs();
  const context = new Context({
    width: frame.columns,
    height: frame.rows,
    bitsAllocated: frame.pixels.BYTES_PER_ELEMENT * 8,
    bitsStored: frame.bitsStored,
    samplesPerPixel: frame.samplesPerPixel,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: frame.photometricInterpretation,
    decodedBuffer: unsignedCells(frame, shifted),
  });
  return encode(NativeCodecs, context).getEncodedBuffer()?.slice() ?? new Uint8Array(0);
}
