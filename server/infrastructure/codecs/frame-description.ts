import type { InstanceRow } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import type { DicomJson } from '../../core/dicom/json.ts';
import { own } from '../../core/table.ts';

/** The Image Pixel module (PS3.3 C.7.6.3) of a frame, as the codecs need it. */
export interface FrameDescription {
  rows: number;
  columns: number;
  samplesPerPixel: 1 | 3;
  bitsAllocated: 1 | 8 | 12 | 16 | 32 | 64;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  photometricInterpretation: string;
  /** Samples of a pixel lie in planes: RRR GGG BBB. */
  planar: boolean;
  /** Float Pixel Data (32 bits) or Double Float Pixel Data (64 bits): values that are no whole numbers. */
  float?: true;
}

/** Decoded bytes of one frame that we are willing to hold in memory. */
export const frameBytesLimit = 512 * 1024 * 1024;

/**
 * Reads the Image Pixel module out of an instance's attributes.
 * @throws Problem `structure` when values are missing or impossible, `not-supported` for shapes that no codec here reads.
 */
export function describeFrame(instance: Pick<InstanceRow, 'attributes'>): FrameDescription {
  const { attributes } = instance;
  const rows = requiredNumber(attributes, '00280010', 'Rows');
  const columns = requiredNumber(attributes, '00280011', 'Columns');
  if (attributes['7FE00008'] || attributes['7FE00009']) return floatFrame(attributes, rows, columns);
  const bitsAllocated = requiredNumber(attributes, '00280100', 'Bits Allocated');
  const samplesPerPixel = numberOf(attributes, '00280002') ?? 1;
  const bitsStored = numberOf(attributes, '00280101') ?? bitsAllocated;
  if (!isOneOf(bitsAllocated, [1, 8, 12, 16, 32] as const))
    throw new Problem('not-supported', `Bits Allocated ${bitsAllocated} is not decoded here`);
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3)
    throw new Problem('not-supported', `Samples per Pixel ${samplesPerPixel} is not decoded here`);
  if (rows < 1 || columns < 1 || bitsStored < 1 || bitsStored > bitsAllocated)
    throw new Problem('structure', 'The Image Pixel module holds impossible values');
  checkSize(rows * columns * samplesPerPixel * Math.ceil(bitsAllocated / 8));
  const photometricInterpretation = textOf(attributes, '00280004') ?? (samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2');
  const ofThree = /^(RGB|YBR_.*)$/.test(photometricInterpretation);
  const ofOne = /^(MONOCHROME[12]|PALETTE COLOR)$/.test(photometricInterpretation);
  if ((ofThree && samplesPerPixel !== 3) || (ofOne && samplesPerPixel !== 1))
    throw new Problem('structure', 'Samples per Pixel and Photometric Interpretation contradict each other');
  const highBit = numberOf(attributes, '00280102') ?? bitsStored - 1;
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit: highBit >= bitsStored - 1 && highBit < bitsAllocated ? highBit : bitsStored - 1,
    signed: numberOf(attributes, '00280103') === 1,
    photometricInterpretation,
    planar: samplesPerPixel === 3 && numberOf(attributes, '00280006') === 1,
  };
}

/** Float and Double Float Image Pixel modules (PS3.3 C.7.6.24, C.7.6.25): one sample a pixel, every bit of it used. */
function floatFrame(attributes: DicomJson, rows: number, columns: number): FrameDescription {
  const bits = attributes['7FE00008'] ? 32 : 64;
  const said = numberOf(attributes, '00280100') ?? bits;
  if (rows < 1 || columns < 1 || said !== bits || (numberOf(attributes, '00280002') ?? 1) !== 1)
    throw new Problem('structure', 'The Float Image Pixel module holds impossible values');
  checkSize((rows * columns * bits) / 8);
  return {
    rows,
    columns,
    samplesPerPixel: 1,
    bitsAllocated: bits,
    bitsStored: bits,
    highBit: bits - 1,
    signed: true,
    photometricInterpretation: textOf(attributes, '00280004') ?? 'MONOCHROME2',
    planar: false,
    float: true,
  };
}

function checkSize(bytes: number): void {
  if (bytes > frameBytesLimit) throw new Problem('too-costly', 'A frame of this image is too large to decode');
}

function isOneOf<T extends number>(value: number, known: readonly T[]): value is T {
  return (known as readonly number[]).includes(value);
}

function requiredNumber(attributes: DicomJson, tag: string, name: string): number {
  const value = numberOf(attributes, tag);
  if (value === undefined) throw new Problem('structure', `The image has no ${name}`);
  return value;
}

function numberOf(attributes: DicomJson, tag: string): number | undefined {
  const value = Number(own(attributes, tag)?.Value?.[0] ?? Number.NaN);
  return Number.isInteger(value) ? value : undefined;
}

function textOf(attributes: DicomJson, tag: string): string | undefined {
  const value = own(attributes, tag)?.Value?.[0];
  return typeof value === 'string' ? value.trim() : undefined;
}
