import { type Content, whole } from './content.ts';

/** How strongly the heat map covers the image. */
const alpha = 0.4;

/**
 * Brings a small heat map to the size of an image: bilinear between cell centres, edges held, scaled so that
 * the highest cell is 1. An all-zero map stays zero.
 */
export function upsample(map: Readonly<ArrayLike<number>>, side: number, width: number, height: number): Float32Array {
  const cells = Array.from(map);
  const top = Math.max(...cells);
  const scaled = cells.map((value) => (top > 0 ? value / top : 0));
  // First each row of cells in full width, then between rows: one interpolation a pixel instead of three.
  const wide = new Float64Array(side * width);
  for (let x = 0; x < width; x++) {
    const [x0, x1, fx] = between(x, width, side);
    for (let row = 0; row < side; row++)
      wide[row * width + x] = scaled[row * side + x0]! * (1 - fx) + scaled[row * side + x1]! * fx;
  }
  const result = new Float32Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const [y0, y1, fy] = between(y, height, side);
    const [upper, lower] = [y0 * width, y1 * width];
    for (let x = 0; x < width; x++, at++) result[at] = wide[upper + x]! * (1 - fy) + wide[lower + x]! * fy;
  }
  return result;
}

/** The two cells around a pixel centre and how far it is from the first to the second. */
function between(pixel: number, size: number, side: number): [low: number, high: number, fraction: number] {
  const place = Math.min(Math.max(((pixel + 0.5) * side) / size - 0.5, 0), side - 1);
  const low = Math.min(Math.floor(place), side - 1);
  return [low, Math.min(low + 1, side - 1), place - low];
}

/**
 * Blue, cyan, yellow, red for 0 to 1: piecewise linear, so that equal steps of heat are equal steps of colour.
 *
 * @returns red, green, blue, each 0..255.
 */
export function heatColour(heat: number): [red: number, green: number, blue: number] {
  const ramp = (centre: number) => Math.round(255 * Math.min(1, Math.max(0, 1.5 - Math.abs(4 * heat - centre))));
  return [ramp(3), ramp(2), ramp(1)];
}

/** Heat in this many steps: finer than eight bits of colour can show. */
const steps = 1024;
const colours = Float32Array.from(
  { length: (steps + 1) * 3 },
  (_, i) => heatColour(Math.floor(i / 3) / steps)[i % 3]! * alpha,
);

/**
 * The image with the heat map over it: (1 - alpha) of the grey, alpha of the colour. Outside of the part that the
 * model saw there is no heat.
 *
 * @returns interleaved RGB, width x height.
 */
export function overlay(
  image: { width: number; height: number; grey: Uint8Array },
  map: Readonly<ArrayLike<number>>,
  side: number,
  content: Content = whole,
): Uint8Array {
  const { width, height, grey } = image;
  const left = Math.round(content.left * width);
  const top = Math.round(content.top * height);
  const across = Math.max(1, Math.round(content.width * width));
  const down = Math.max(1, Math.round(content.height * height));
  const heat = upsample(map, side, across, down);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const inside = x >= left && x < left + across && y >= top && y < top + down;
      const colour = inside ? ((heat[(y - top) * across + x - left]! * steps + 0.5) | 0) * 3 : 0;
      const under = grey[y * width + x]! * (1 - alpha) + 0.5;
      rgb[at] = under + colours[colour]!;
      rgb[at + 1] = under + colours[colour + 1]!;
      rgb[at + 2] = under + colours[colour + 2]!;
    }
  }
  return rgb;
}
