/** Samples of one native frame in explicit little endian (PS3.5 8.1). */
import { number, text, type DicomDataset } from '../api/dicom-json.ts';

export interface SampleLayout {
  rows: number;
  columns: number;
  bitsAllocated: 8 | 16;
  bitsStored: number;
  signed: boolean;
}

/**
 * How a monochrome frame's samples lie; undefined for colour, packed bits and 32-bit samples, which the
 * server draws instead (`/rendered`).
 */
export function layoutOf(instance: DicomDataset): SampleLayout | undefined {
  const rows = number(instance, 'Rows');
  const columns = number(instance, 'Columns');
  const bitsAllocated = number(instance, 'BitsAllocated');
  const bitsStored = number(instance, 'BitsStored') ?? bitsAllocated;
  const highBit = number(instance, 'HighBit') ?? (bitsStored ?? 0) - 1;
  const monochrome = text(instance, 'PhotometricInterpretation')?.startsWith('MONOCHROME') ?? false;
  if (!rows || !columns || !bitsStored || !monochrome || (number(instance, 'SamplesPerPixel') ?? 1) !== 1)
    return undefined;
  if ((bitsAllocated !== 8 && bitsAllocated !== 16) || bitsStored > bitsAllocated || highBit !== bitsStored - 1)
    return undefined;
  return { rows, columns, bitsAllocated, bitsStored, signed: number(instance, 'PixelRepresentation') === 1 };
}

/**
 * One value per pixel. Bits above the stored ones may hold overlays in old files: they are masked, and
 * the sign is extended from the highest stored bit.
 *
 * @throws RangeError when the frame is shorter than its layout says.
 */
export function samplesOf(
  bytes: Uint8Array<ArrayBuffer>,
  layout: SampleLayout,
): Int16Array | Uint16Array | Uint8Array | Int8Array {
  const count = layout.rows * layout.columns;
  const width = layout.bitsAllocated / 8;
  if (bytes.byteLength < count * width) throw new RangeError('The frame is shorter than rows times columns.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * width);
  const spare = 32 - layout.bitsStored;
  const values = emptySamples(layout, count);
  for (let at = 0; at < count; at += 1) {
    const raw = width === 1 ? view.getUint8(at) : view.getUint16(at * 2, true);
    values[at] = layout.signed ? (raw << spare) >> spare : (raw << spare) >>> spare;
  }
  return values;
}

function emptySamples({ bitsAllocated, signed }: SampleLayout, count: number) {
  if (bitsAllocated === 8) return signed ? new Int8Array(count) : new Uint8Array(count);
  return signed ? new Int16Array(count) : new Uint16Array(count);
}
