import sharp, { type OverlayOptions } from 'sharp';
import { deployedGraph } from './deployed-graph.ts';
import { LABELS } from './labels.ts';
import { topClasses } from './metrics.ts';
import { IMAGE_SIDE, MAP_AREA, MAP_SIDE } from './mobilenet.ts';
import { toThreeChannels, type PixelStore } from './pixels.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';
import { imageTensor, openGraph } from './session.ts';
import type { SplitItem } from './split.ts';
import type { Weights } from './tensor.ts';

const COLUMNS = 4;
const CAPTION = 34;
const ALPHA = 0.4;

/** Value of a 7 x 7 map at a pixel, bilinear between the centres of its cells. */
function sample(map: Float32Array, x: number, y: number): number {
  const place = (at: number): [number, number] => {
    const cell = Math.min(MAP_SIDE - 1, Math.max(0, ((at + 0.5) * MAP_SIDE) / IMAGE_SIDE - 0.5));
    const low = Math.min(MAP_SIDE - 2, Math.floor(cell));
    return [low, cell - low];
  };
  const [left, px] = place(x);
  const [top, py] = place(y);
  const at = top * MAP_SIDE + left;
  const upper = (map[at] ?? 0) * (1 - px) + (map[at + 1] ?? 0) * px;
  const lower = (map[at + MAP_SIDE] ?? 0) * (1 - px) + (map[at + MAP_SIDE + 1] ?? 0) * px;
  return upper * (1 - py) + lower * py;
}

/** Grey film and heat map (blue, green, red) as RGB. */
export function overlay(image: Uint8Array, map: Float32Array): Uint8Array {
  const most = map.reduce((highest, value) => Math.max(highest, value), 1e-9);
  const result = new Uint8Array(image.length * 3);
  image.forEach((grey, at) => {
    const heat = sample(map, at % IMAGE_SIDE, Math.floor(at / IMAGE_SIDE)) / most;
    const colours = [heat * 2 - 1, 1 - Math.abs(2 * heat - 1), 1 - heat * 2];
    colours.forEach((colour, channel) => {
      result[3 * at + channel] = Math.round((1 - ALPHA) * grey + ALPHA * 255 * Math.min(1, Math.max(0, colour)));
    });
  });
  return result;
}

/**
 * Two rows of right and two rows of wrong test cases, each with the heat map of the answered class, as one PNG. Only
 * images whose licence allows to show them may be passed in.
 */
export async function camSheet(
  weights: Weights,
  store: PixelStore,
  items: readonly SplitItem[],
  probabilities: Float32Array,
  seed: number,
): Promise<Buffer> {
  const tops = topClasses(probabilities);
  const rows = shuffle(
    items.map((_, row) => row),
    seededRandom(derivedSeed(seed, 'sheet')),
  );
  const isRight = (row: number): boolean => LABELS[tops[row] ?? 0] === items[row]?.label;
  const chosen = [
    rows.filter(isRight).slice(0, 2 * COLUMNS),
    rows.filter((row) => !isRight(row)).slice(0, 2 * COLUMNS),
  ].flat();
  const runner = await openGraph(deployedGraph(weights));
  const [width, height] = [IMAGE_SIDE * COLUMNS, (IMAGE_SIDE + CAPTION) * Math.ceil(chosen.length / COLUMNS)];
  const layers: OverlayOptions[] = [];
  for (const [at, row] of chosen.entries()) {
    const image = store.image(items[row]?.index ?? 0);
    const { gradcam = new Float32Array() } = await runner.run({ image: imageTensor(toThreeChannels([image]), 1) }, [
      'gradcam',
    ]);
    const top = tops[row] ?? 0;
    const [left, upper] = [(at % COLUMNS) * IMAGE_SIDE, Math.floor(at / COLUMNS) * (IMAGE_SIDE + CAPTION)];
    const map = gradcam.subarray(top * MAP_AREA, (top + 1) * MAP_AREA);
    layers.push({
      input: Buffer.from(overlay(image, map)),
      raw: { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3 },
      left,
      top: upper + CAPTION,
    });
    const share = ((probabilities[row * LABELS.length + top] ?? 0) * 100).toFixed(0);
    layers.push({
      input: caption(`${LABELS[top]} ${share} %`, `truth: ${items[row]?.label}`, isRight(row)),
      left,
      top: upper,
    });
  }
  await runner.close();
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png({ palette: true, quality: 80 })
    .toBuffer();
}

function caption(first: string, second: string, right: boolean): Buffer {
  const line = (y: number, content: string): string =>
    `<text x="4" y="${y}" font-family="sans-serif" font-size="12" fill="${right ? '#166534' : '#b91c1c'}">${content}</text>`;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${IMAGE_SIDE}" height="${CAPTION}">${line(14, first)}${line(29, second)}</svg>`,
  );
}
