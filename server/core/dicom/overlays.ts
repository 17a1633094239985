/** Overlay planes (PS3.3 C.9.2): drawings of one bit a pixel that go over an image. */
import type { DisplayFrame } from './display.ts';
import type { InstanceRow } from './instance.ts';
import type { DicomJson } from './json.ts';
import type { BulkReader } from './presentation.ts';
import { own } from '../table.ts';

export interface OverlayPlane {
  rows: number;
  columns: number;
  /** Row and column of the image, from 0, on which its first pixel lies; may be negative. */
  top: number;
  left: number;
  /** Whether a pixel of the plane, counted from 0 row by row, is drawn. */
  isSet(pixel: number): boolean;
}

/** The samples of a frame as they are stored, with the bits that are no part of the value. */
export type RawSamples = () => ArrayLike<number> | undefined;

const groups = Array.from({ length: 16 }, (_, i) => (0x6000 + i * 2).toString(16).toUpperCase());

/**
 * The planes of a frame (from 0), graphics and regions of interest alike; those that cannot be read are left out, for they
 * are an addition to the picture. Planes of before 2004 lie in bits of the pixels above the value (PS3.5 8.1.2).
 */
export function overlaysOf(
  { attributes }: Pick<InstanceRow, 'attributes'>,
  frame: number,
  bulk: BulkReader,
  raw: RawSamples,
): OverlayPlane[] {
  const planes: OverlayPlane[] = [];
  for (const group of groups) {
    const place = placeOf(attributes, group, frame);
    if (!place) continue;
    const { nth, ...plane } = place;
    const size = plane.rows * plane.columns;
    const bytes = packedBytes(attributes, group, bulk);
    if (bytes) {
      const first = nth * size;
      if (bytes.length * 8 >= first + size)
        planes.push({
          ...plane,
          isSet: (pixel) => ((bytes[(first + pixel) >> 3]! >> ((first + pixel) & 7)) & 1) === 1,
        });
      continue;
    }
    const bit = numberOf(attributes, `${group}0102`) ?? 0;
    const samples = bit > 0 ? raw() : undefined;
    if (samples && samples.length >= size)
      planes.push({ ...plane, isSet: (pixel) => ((samples[pixel]! >> bit) & 1) === 1 });
  }
  return planes;
}

/** Draws planes into a picture, as bright as it gets. */
export function drawOverlays(picture: DisplayFrame, planes: readonly OverlayPlane[]): DisplayFrame {
  if (planes.length === 0) return picture;
  const { width, height, channels } = picture;
  const data = picture.data.slice();
  for (const { rows, columns, top, left, isSet } of planes) {
    const lastRow = Math.min(rows, height - top);
    const lastColumn = Math.min(columns, width - left);
    for (let row = Math.max(0, -top); row < lastRow; row++)
      for (let column = Math.max(0, -left); column < lastColumn; column++)
        if (isSet(row * columns + column)) {
          const at = ((row + top) * width + column + left) * channels;
          data.fill(255, at, at + channels);
        }
  }
  return { ...picture, data };
}

/** Where a plane lies, and which of the plane's own frames this one has. */
function placeOf(attributes: DicomJson, group: string, frame: number) {
  const rows = numberOf(attributes, `${group}0010`);
  const columns = numberOf(attributes, `${group}0011`);
  if (!rows || !columns || rows < 1 || columns < 1) return undefined;
  const origin = (own(attributes, `${group}0050`)?.Value ?? [1, 1]).map(Number);
  const [top = 1, left = 1] = origin;
  const count = numberOf(attributes, `${group}0015`) ?? 1;
  const from = (numberOf(attributes, `${group}0051`) ?? 1) - 1;
  // Without a number of frames it is for all of them.
  const nth = own(attributes, `${group}0015`) ? frame - from : 0;
  if (nth < 0 || nth >= count || !Number.isInteger(top) || !Number.isInteger(left)) return undefined;
  return { rows, columns, top: top - 1, left: left - 1, nth };
}

function packedBytes(attributes: DicomJson, group: string, bulk: BulkReader): Uint8Array | undefined {
  const data = own(attributes, `${group}3000`);
  if (data?.InlineBinary === undefined) return bulk(`${group}3000`);
  return Uint8Array.from(atob(data.InlineBinary), (letter) => letter.charCodeAt(0));
}

function numberOf(attributes: DicomJson, tag: string): number | undefined {
  const value = Number(own(attributes, tag)?.Value?.[0] ?? Number.NaN);
  return Number.isInteger(value) ? value : undefined;
}
