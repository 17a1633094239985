/**
 * The codecs that are WebAssembly modules (CharLS, OpenJPEG, OpenJPH, libjxl), each compiled when a thread first needs it. One
 * of them can be harmed by a broken stream: whoever throws because of it ends the thread with it (`spoiled`).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned: boolean;
  /** HTJ2K only: the reversible or irreversible colour transform is part of the codestream. */
  isUsingColorTransform?: boolean;
}

interface Coder {
  delete(): void;
}

export interface WasmDecoder extends Coder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): FrameInfo;
  /** JPEG-LS only: 0 planes, 1 lines, 2 samples. */
  getInterleaveMode?(): number | { value: number };
}

export interface WasmEncoder extends Coder {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  setNearLossless(error: number): void;
  setInterleaveMode(mode: number): void;
  setDecompositions(levels: number): void;
  setQuality(lossless: boolean, quantization: number): void;
  setProgressionOrder(order: number): void;
  /** HTJ2K only. */
  setTLMMarker(wanted: boolean): void;
  setTilePartDivisionsAtResolutions(wanted: boolean): void;
}

interface WasmModule {
  JpegLSDecoder: new () => WasmDecoder;
  JpegLSEncoder: new () => WasmEncoder;
  J2KDecoder: new () => WasmDecoder;
  HTJ2KDecoder: new () => WasmDecoder;
  HTJ2KEncoder: new () => WasmEncoder;
  JpegXLDecoder: new () => WasmDecoder;
}

type Factory = (options: object) => Promise<WasmModule>;
export type CodecName = 'charls' | 'openjpeg' | 'openjph' | 'libjxl';

const require = createRequire(import.meta.url);
/** They take their own WebAssembly file where they say; libjxl would fetch it. */
const factories: Record<CodecName, () => Promise<[Factory, object]>> = {
  charls: () => Promise.resolve([require('@cornerstonejs/codec-charls/wasmjs') as Factory, {}]),
  openjpeg: () => Promise.resolve([require('@cornerstonejs/codec-openjpeg/wasmjs') as Factory, {}]),
  openjph: () => Promise.resolve([require('@cornerstonejs/codec-openjph') as Factory, {}]),
  libjxl: async () => {
    // @ts-expect-error the package comes without types
    const { default: factory } = (await import('@cornerstonejs/codec-libjxl/decodewasmjs')) as { default: Factory };
    return [factory, { wasmBinary: readFileSync(require.resolve('@cornerstonejs/codec-libjxl/decodewasm')) }];
  },
};

/** Memory that a module may keep from one frame to the next: it grows with the largest frame and never shrinks. */
const keptMemory = 96 * 1024 * 1024;

interface Loaded {
  module: WasmModule;
  /** What the codec complained about since it was last asked; OpenJPEG goes on after most of it. */
  complaints: string[];
}

const loaded = new Map<CodecName, Promise<Loaded>>();

async function load(name: CodecName): Promise<Loaded> {
  const [factory, options] = await factories[name]();
  const complaints: string[] = [];
  const hear = (line: string) => {
    if (complaints.length < 20 && /error|warning/i.test(line)) complaints.push(line);
  };
  return { module: await factory({ ...options, print: hear, printErr: hear }), complaints };
}

/**
 * Uses a coder of a module and frees it.
 * @param use gets what the codec has complained about so far as a function, because it tells no other way
 */
export async function withCoder<C extends Coder, T>(
  name: CodecName,
  make: (module: WasmModule) => C,
  use: (coder: C, complaints: () => readonly string[]) => { result: T; memory: number },
): Promise<T> {
  let codec = loaded.get(name);
  if (!codec) loaded.set(name, (codec = load(name)));
  const { module, complaints } = await codec;
  complaints.length = 0;
  // Whoever failed once in its memory may not come to an end the next time.
  loaded.delete(name);
  const coder = make(module);
  const { result, memory } = use(coder, () => complaints);
  coder.delete();
  if (memory <= keptMemory) loaded.set(name, codec);
  return result;
}
