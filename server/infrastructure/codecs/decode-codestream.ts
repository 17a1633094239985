import { createRequire } from 'node:module';
import type * as Codecs from 'dcmjs-codecs';
import { Problem } from '../../core/problem.ts';
import { withCoder, type CodecName, type WasmDecoder } from './codec-modules.ts';
import type { CodedImage } from './coded-image.ts';
import type { CodestreamSize } from './codestream.ts';

/** Which module reads what, and the class in it. */
const decoders = {
  'jpeg-ls': ['charls', 'JpegLSDecoder'],
  'jpeg-2000': ['openjpeg', 'J2KDecoder'],
  'ht-jpeg-2000': ['openjph', 'HTJ2KDecoder'],
  'jpeg-xl': ['libjxl', 'JpegXLDecoder'],
} as const satisfies Record<string, [CodecName, string]>;

export type WasmFormat = keyof typeof decoders;

/** @throws Problem `structure` with the codec's error as its cause. */
export async function decodeCodestream(format: WasmFormat, bytes: Uint8Array): Promise<CodedImage> {
  const [name, className] = decoders[format];
  try {
    return await withCoder(
      name,
      (module) => new module[className](),
      (decoder, complaints) => decodedImage(decoder, bytes, complaints),
    );
  } catch (cause) {
    throw new Problem('structure', 'The compressed frame cannot be decoded', { cause: cause ?? new Error('unknown') });
  }
}

function decodedImage(decoder: WasmDecoder, bytes: Uint8Array, complaints: () => readonly string[]) {
  decoder.getEncodedBuffer(bytes.length).set(bytes);
  decoder.decode();
  const info = decoder.getFrameInfo();
  const buffer = decoder.getDecodedBuffer();
  // OpenJPEG only tells that data are missing, and gives what it made up for them.
  const [complaint] = complaints();
  if (complaint !== undefined) throw new Error(complaint);
  const mode = decoder.getInterleaveMode?.();
  const interleave = typeof mode === 'object' ? mode.value : mode;
  const result: CodedImage = {
    rows: info.height,
    columns: info.width,
    components: info.componentCount,
    precision: info.bitsPerSample,
    // A sign in the codestream is taken from it before and given back after (`withoutSign`).
    signed: false,
    planar: interleave === 0 && info.componentCount > 1,
    bytes: buffer.slice(),
  };
  return { result, memory: buffer.buffer.byteLength };
}

// A minified CommonJS bundle: Node finds no named exports in it, and 20 ms of loading are for those who need it.
export const loadNativeCodecs = async (): Promise<typeof Codecs> => {
  const codecs = createRequire(import.meta.url)('dcmjs-codecs') as typeof Codecs;
  if (!codecs.NativeCodecs.isInitialized()) await codecs.NativeCodecs.initializeAsync();
  return codecs;
};

/**
 * JPEG of any process with Huffman coding, 8 to 16 bits.
 * @param rgb components other than red, green and blue become that
 * @throws Problem `structure` with the codec's error as its cause.
 */
export async function decodeJpeg(bytes: Uint8Array, size: CodestreamSize, rgb: boolean): Promise<CodedImage> {
  const { Context, NativeCodecs } = await loadNativeCodecs();
  const { rows, columns, components, precision } = size;
  let decoded: Uint8Array | undefined;
  try {
    const context = new Context({
      width: columns,
      height: rows,
      bitsAllocated: precision > 8 ? 16 : 8,
      bitsStored: precision,
      samplesPerPixel: components,
      pixelRepresentation: 0,
      planarConfiguration: 0,
      photometricInterpretation: components === 3 ? 'RGB' : 'MONOCHROME2',
      encodedBuffer: bytes,
    });
    decoded = NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: rgb }).getDecodedBuffer();
  } catch (cause) {
    throw new Problem('structure', 'The compressed frame cannot be decoded', { cause });
  }
  if (!decoded?.length) throw new Problem('structure', 'The compressed frame cannot be decoded');
  return { rows, columns, components, precision, signed: false, planar: false, bytes: decoded };
}
