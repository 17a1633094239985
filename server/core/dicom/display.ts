import type { DecodedFrame } from './instance.ts';
import { Problem } from '../problem.ts';
import type { LookupTable, Presentation, Window } from './presentation.ts';

/** Eight bits a sample, grey or interleaved RGB: what image encoders take. */
export interface DisplayFrame {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array;
  /** Height of a pixel to its width, if they differ. */
  aspect?: number;
}

/**
 * Applies the grayscale or colour pipeline of PS3.4 N.2 to a decoded frame: modality transform, VOI
 * transform, presentation shape; or palette and YBR to RGB.
 *
 * @param asked a window that the caller prefers to the image's own; without effect on colour images
 * @throws Problem `not-supported` for photometric interpretations that have no defined display here.
 */
export function display(frame: DecodedFrame, presentation: Presentation, asked?: Window): DisplayFrame {
  const { rows: height, columns: width, photometricInterpretation: photometric } = frame;
  if (photometric === 'MONOCHROME1' || photometric === 'MONOCHROME2')
    return { width, height, channels: 1, data: grey(frame, presentation, asked) };
  if (photometric === 'PALETTE COLOR')
    return { width, height, channels: 3, data: coloured(frame, presentation.palette) };
  if (photometric === 'RGB') return { width, height, channels: 3, data: eightBits(frame) };
  if (photometric === 'YBR_FULL') return { width, height, channels: 3, data: rgbFromYbr(eightBits(frame)) };
  throw new Problem('not-supported', 'Images of this photometric interpretation are not rendered here');
}

/** One table from stored value to grey where values are 16 bits or fewer: most images have far more pixels than values. */
function grey(frame: DecodedFrame, presentation: Presentation, asked: Window | undefined): Uint8Array {
  const { pixels, bitsStored, signed } = frame;
  const transform = greyTransform(frame, presentation, asked);
  if (bitsStored > 16) return mapped(pixels, transform);
  const lowest = signed ? -(2 ** (bitsStored - 1)) : 0;
  const table = new Uint8Array(2 ** bitsStored);
  for (let i = 0; i < table.length; i++) table[i] = transform(lowest + i);
  // Most 8-bit films are stored as they are to be seen.
  if (pixels instanceof Uint8Array && bitsStored === 8 && table.every((value, i) => value === i)) return pixels;
  const data = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) data[i] = table[pixels[i]! - lowest]!;
  return data;
}

function greyTransform(
  frame: DecodedFrame,
  presentation: Presentation,
  asked: Window | undefined,
): (stored: number) => number {
  const { slope, intercept, modalityTable, voiTable, inverse } = presentation;
  const modality = modalityTable
    ? (stored: number) => look(modalityTable, stored)
    : (stored: number) => stored * slope + intercept;
  const window = asked ?? presentation.window;
  const voi =
    asked === undefined && voiTable
      ? (value: number) => (look(voiTable, value) / (2 ** voiTable.bits - 1)) * 255
      : windowFunction(window ?? wholeRange(frame, presentation, modality));
  return inverse ? (stored) => Math.round(255 - voi(modality(stored))) : (stored) => Math.round(voi(modality(stored)));
}

/** PS3.3 C.11.2.1.2.1 (linear), C.11.2.1.3.1 (sigmoid), C.11.2.1.3.2 (linear exact); output 0 to 255. */
function windowFunction({ center, width, shape }: Window): (value: number) => number {
  if (shape === 'sigmoid') return (value) => 255 / (1 + Math.exp((-4 * (value - center)) / width));
  const exact = shape === 'linear-exact';
  const middle = exact ? center : center - 0.5;
  const span = exact ? width : width - 1;
  return (value) => {
    if (value <= middle - span / 2) return 0;
    if (value > middle + span / 2) return 255;
    return ((value - middle) / span + 0.5) * 255;
  };
}

/** Without a window of its own, an 8-bit or binary image is shown as it is, a deeper one from its lowest to its highest value. */
function wholeRange(frame: DecodedFrame, presentation: Presentation, modality: (stored: number) => number): Window {
  const { pixels, bitsStored, signed } = frame;
  let low = signed ? -(2 ** (bitsStored - 1)) : 0;
  let high = low + 2 ** bitsStored - 1;
  if (bitsStored > 8) {
    const ends = endsOf(pixels, presentation.padding);
    if (ends.high >= ends.low) ({ low, high } = ends);
  }
  const ends = [modality(low), modality(high)];
  const [bottom, top] = [Math.min(...ends), Math.max(...ends)];
  return { center: (bottom + top) / 2, width: top > bottom ? top - bottom : 1, shape: 'linear-exact' };
}

/** Lowest and highest value that is no background and no missing number; `high` is below `low` when there is none. */
function endsOf(pixels: DecodedFrame['pixels'], padding: Presentation['padding']): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  const { from, to } = padding ?? { from: Infinity, to: -Infinity };
  // Not `for of`: over a million pixels the iterator takes ten times as long as the comparison.
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]!;
    if (value >= low && value <= high) continue;
    if ((value >= from && value <= to) || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** Input below the first entry maps to the first, above the last to the last (PS3.3 C.11.1.1.1). */
function look(table: LookupTable, value: number): number {
  const index = Math.min(Math.max(Math.round(value) - table.first, 0), table.entries.length - 1);
  return table.entries[index]!;
}

function coloured(frame: DecodedFrame, palette: Presentation['palette']): Uint8Array {
  if (!palette) throw new Problem('not-supported', 'The image has no palette that can be read here');
  const data = new Uint8Array(frame.pixels.length * 3);
  const { pixels } = frame;
  for (const [colour, { entries, first, bits }] of palette.entries()) {
    const shift = bits > 8 ? 8 : 0;
    const last = entries.length - 1;
    for (let i = 0; i < pixels.length; i++) {
      const at = pixels[i]! - first;
      data[i * 3 + colour] = entries[at < 0 ? 0 : at > last ? last : at]! >> shift;
    }
  }
  return data;
}

/** Not by `Uint8Array.from`, which first makes a list of all values: of a large image that ends the process. */
function mapped(pixels: DecodedFrame['pixels'], value: (stored: number) => number): Uint8Array {
  const data = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) data[i] = value(pixels[i]!);
  return data;
}

function eightBits(frame: DecodedFrame): Uint8Array {
  const { pixels, bitsStored } = frame;
  if (pixels instanceof Uint8Array && bitsStored === 8) return pixels;
  const scale = 255 / (2 ** bitsStored - 1);
  return mapped(pixels, (value) => Math.round(value * scale));
}

/** PS3.3 C.7.6.3.1.2, YBR_FULL: ITU-R BT.601 over the full range. */
export function rgbFromYbr(ybr: Uint8Array): Uint8Array {
  const rgb = new Uint8ClampedArray(ybr.length);
  for (let i = 0; i < ybr.length; i += 3) {
    const y = ybr[i]!;
    const cb = ybr[i + 1]! - 128;
    const cr = ybr[i + 2]! - 128;
    rgb[i] = y + 1.402 * cr;
    rgb[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    rgb[i + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(rgb.buffer);
}
