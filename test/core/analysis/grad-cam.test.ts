import { expect, test } from 'vitest';
import { heatColour, overlay, upsample } from '../../../server/core/analysis/grad-cam.ts';

/** Bilinear interpolation between cell centres, written once more and differently: weights of all cells. */
function reference(map: number[], side: number, width: number, height: number): number[] {
  const top = Math.max(...map) || 1;
  const weight = (pixel: number, size: number, cell: number) => {
    const place = Math.min(Math.max(((pixel + 0.5) / size) * side - 0.5, 0), side - 1);
    return Math.max(0, 1 - Math.abs(place - cell));
  };
  return Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return map.reduce(
      (sum, value, c) => sum + (value / top) * weight(x, width, c % side) * weight(y, height, Math.floor(c / side)),
      0,
    );
  });
}

const map = Array.from({ length: 49 }, (_, i) => Math.max(0, Math.sin(i * 1.7)));

test.each([[224, 224], [100, 37], [7, 7], [3, 5], [1, 1]])('upsampling to %d x %d equals an independent computation', (width, height) => {
  const found = upsample(map, 7, width, height);
  const known = reference(map, 7, width, height);
  expect(found).toHaveLength(known.length);
  found.forEach((value, i) => expect(Math.abs(value - known[i]!)).toBeLessThan(1e-5));
}); // prettier-ignore

test('an empty map stays empty, and the image shows through', () => {
  const image = { width: 2, height: 1, grey: Uint8Array.of(0, 255) };
  const [red, green, blue] = heatColour(0);
  expect([
    ...overlay(
      image,
      Array.from({ length: 49 }, () => 0),
      7,
    ),
  ]).toEqual([0, 255].flatMap((grey) => [red, green, blue].map((colour) => Math.round(grey * 0.6 + colour * 0.4))));
});

test('colours run from blue to red', () => {
  expect([heatColour(0), heatColour(0.5), heatColour(1)]).toEqual([[0, 0, 128], [128, 255, 128], [128, 0, 0]]); // prettier-ignore
});
