import type { DecodedFrame } from '../dicom/instance.ts';

/** The part of a picture that is the image, in shares of its width and height (0..1). */
export interface Content {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const whole: Content = { left: 0, top: 0, width: 1, height: 1 };

/** A band of one value is a border from this share of its side on; thinner ones are left, as the training left them. */
const narrowest = 0.05;
/** What would be left over must be a picture: a dot on an empty page is not. */
const smallest = 0.25;

/**
 * Finds a film inside of borders that a scanner or printer added: bands along a side in which every sample has
 * one and the same value. Nearly all chest films of the training fill the picture, so such bands are cut off before
 * the picture is stretched to the model's size. Bands of detector noise are not of one value and stay. MR slices lie
 * in black of one value by nature, in the training, too: they are not for this.
 *
 * @returns rectangle in pixels; the whole frame where there is no such border.
 */
export function contentOf(frame: DecodedFrame): { left: number; top: number; width: number; height: number } {
  const { rows, columns, samplesPerPixel, pixels } = frame;
  const stride = columns * samplesPerPixel;
  /** A line of the picture from `start`, `count` samples `step` apart (one channel after the other): all as `value`? */
  const same = (start: number, count: number, step: number, value: (channel: number) => number): boolean => {
    for (let channel = 0; channel < samplesPerPixel; channel++) {
      const wanted = value(channel);
      for (let i = 0, at = start + channel; i < count; i++, at += step) if (pixels[at] !== wanted) return false;
    }
    return true;
  };
  const band = (side: number, line: (i: number) => boolean): number => {
    let lines = 0;
    while (lines < side && line(lines)) lines++;
    return lines > side * narrowest && lines < side ? lines : 0;
  };
  const valueAt = (start: number) => (channel: number) => pixels[start + channel]!;

  const upper = valueAt(0);
  const lower = valueAt((rows - 1) * stride);
  const top = band(rows, (i) => same(i * stride, columns, samplesPerPixel, upper));
  const bottom = band(rows, (i) => same((rows - 1 - i) * stride, columns, samplesPerPixel, lower));
  const height = rows - top - bottom;
  const leftmost = valueAt(top * stride);
  const rightmost = valueAt(top * stride + stride - samplesPerPixel);
  const left = band(columns, (i) => same(top * stride + i * samplesPerPixel, height, stride, leftmost));
  const right = band(columns, (i) =>
    same(top * stride + (columns - 1 - i) * samplesPerPixel, height, stride, rightmost),
  );
  const width = columns - left - right;
  if (height < rows * smallest || width < columns * smallest) return { left: 0, top: 0, width: columns, height: rows };
  return { left, top, width, height };
}

/** The rectangle of a frame as a frame of its own; the frame itself if the rectangle is all of it. */
export function cropped(frame: DecodedFrame, { left, top, width, height }: ReturnType<typeof contentOf>): DecodedFrame {
  const { rows, columns, samplesPerPixel, pixels } = frame;
  if (width === columns && height === rows) return frame;
  const kept = pixels.slice(0, width * height * samplesPerPixel);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * columns + left) * samplesPerPixel;
    kept.set(pixels.subarray(from, from + width * samplesPerPixel), y * width * samplesPerPixel);
  }
  return { ...frame, rows: height, columns: width, pixels: kept };
}
