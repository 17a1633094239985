import { deflateSync, crc32 } from 'node:zlib';

/** How strongly the heat map covers the image. */
const alpha = 0.4;

/**
 * Brings a small heat map to the size of an image: bilinear between cell centres, edges held, scaled so that
 * the highest cell is 1. An all-zero map stays zero.
 */
export function upsample(map: readonly number[], side: number, width: number, height: number): Float32Array {
  const top = Math.max(...map);
  const scaled = map.map((value) => (top > 0 ? value / top : 0));
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const [y0, y1, fy] = between(y, height, side);
    for (let x = 0; x < width; x++) {
      const [x0, x1, fx] = between(x, width, side);
      const upper = scaled[y0 * side + x0]! * (1 - fx) + scaled[y0 * side + x1]! * fx;
      const lower = scaled[y1 * side + x0]! * (1 - fx) + scaled[y1 * side + x1]! * fx;
      result[y * width + x] = upper * (1 - fy) + lower * fy;
    }
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

/**
 * The image with the heat map over it: (1 - alpha) of the grey, alpha of the colour.
 *
 * @returns interleaved RGB, width x height.
 */
export function overlay(
  image: { width: number; height: number; grey: Uint8Array },
  map: readonly number[],
  side: number,
): Uint8Array {
  const heat = upsample(map, side, image.width, image.height);
  const rgb = new Uint8Array(heat.length * 3);
  heat.forEach((value, i) => {
    heatColour(value).forEach((colour, channel) => {
      rgb[i * 3 + channel] = Math.round(image.grey[i]! * (1 - alpha) + colour * alpha);
    });
  });
  return rgb;
}

/** An RGB picture as PNG (ISO/IEC 15948): 8 bits, no filter, one IDAT. */
export function encodePng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // depth 8, truecolour, deflate, no filter method but 0, not interlaced
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
