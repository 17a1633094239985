import { IMAGE_SIDE } from './mobilenet.ts';
import { PIXELS } from './pixels.ts';
import { gaussian, type Random } from './random.ts';

/**
 * Images that a chest and heart model must refuse, made from training images and from nothing else, so that the
 * gate's test set of real foreign images stays unseen.
 */
export type ForeignKind = (typeof FOREIGN_KINDS)[number];
export const FOREIGN_KINDS = [
  'inverted',
  'turned',
  'sideways',
  'mask',
  'noise',
  'plasma',
  'montage',
  'patch',
  'shapes',
  'shuffled',
  'sector',
  'slice',
  'solid',
] as const;

const SIDE = IMAGE_SIDE;
const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value));

function paint(value: (x: number, y: number) => number): Uint8Array {
  const result = new Uint8Array(PIXELS);
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) result[y * SIDE + x] = clamp(value(x, y));
  return result;
}

/** Smooth random field, 0 to 255: a coarse random grid, interpolated. */
function plasma(random: Random, cells: number): (x: number, y: number) => number {
  const grid = Float32Array.from({ length: (cells + 2) ** 2 }, () => random() * 255);
  const corner = (column: number, row: number): number => grid[row * (cells + 2) + column] ?? 0;
  return (x, y) => {
    const [fx, fy] = [(x / SIDE) * cells, (y / SIDE) * cells];
    const [left, top] = [Math.floor(fx), Math.floor(fy)];
    const [px, py] = [fx - left, fy - top];
    const upper = corner(left, top) * (1 - px) + corner(left + 1, top) * px;
    return upper * (1 - py) + (corner(left, top + 1) * (1 - px) + corner(left + 1, top + 1) * px) * py;
  };
}

/** A part of an image enlarged to the whole. */
function enlarged(image: Uint8Array, left: number, top: number, size: number): (x: number, y: number) => number {
  return (x, y) => image[Math.floor(top + (y / SIDE) * size) * SIDE + Math.floor(left + (x / SIDE) * size)] ?? 0;
}

const makers: Record<ForeignKind, (one: Uint8Array, other: Uint8Array, random: Random) => Uint8Array> = {
  inverted: (one) => one.map((value) => 255 - value),
  turned: (one) => paint((x, y) => one[(SIDE - 1 - y) * SIDE + (SIDE - 1 - x)] ?? 0),
  sideways: (one, _other, random) => {
    const clockwise = random() < 0.5;
    return paint((x, y) => one[clockwise ? (SIDE - 1 - x) * SIDE + y : x * SIDE + (SIDE - 1 - y)] ?? 0);
  },
  mask: (one, _other, random) => {
    const rough = plasma(random, 2 + Math.floor(random() * 5));
    const [share, level, dark] = [random(), 90 + random() * 80, random() < 0.5];
    return paint((x, y) => {
      const cell = Math.floor(y / 4) * 4 * SIDE + Math.floor(x / 4) * 4;
      const bright = share * (one[cell] ?? 0) + (1 - share) * rough(x, y) > level;
      return bright === dark ? 0 : 255;
    });
  },
  noise: (one, _other, random) => {
    const share = random() * 0.35;
    return one.map((value) => clamp(share * value + (1 - share) * (128 + 70 * gaussian(random))));
  },
  plasma: (_one, _other, random) => {
    const [coarse, fine, share] = [
      plasma(random, 2 + Math.floor(random() * 4)),
      plasma(random, 8 + Math.floor(random() * 40)),
      random(),
    ];
    return paint((x, y) => share * coarse(x, y) + (1 - share) * fine(x, y));
  },
  montage: (one, other, random) => {
    const count = 2 + Math.floor(random() * 3);
    const cell = SIDE / count;
    return paint((x, y) => {
      const image = (Math.floor(x / cell) + Math.floor(y / cell)) % 2 === 0 ? one : other;
      return (
        image[
          Math.min(SIDE - 1, Math.floor((y % cell) * count)) * SIDE + Math.min(SIDE - 1, Math.floor((x % cell) * count))
        ] ?? 0
      );
    });
  },
  patch: (one, _other, random) => {
    const size = (0.12 + 0.15 * random()) * SIDE;
    return paint(enlarged(one, random() * (SIDE - size), random() * (SIDE - size), size));
  },
  shapes: (_one, _other, random) => {
    const background = random() * 255;
    const shapes = Array.from({ length: 3 + Math.floor(random() * 12) }, () => ({
      x: random() * SIDE,
      y: random() * SIDE,
      w: 4 + random() * 90,
      h: 4 + random() * 90,
      grey: random() * 255,
      round: random() < 0.5,
    }));
    return paint((x, y) => {
      const hit = shapes.findLast(({ x: cx, y: cy, w, h, round }) =>
        round ? ((x - cx) / w) ** 2 + ((y - cy) / h) ** 2 < 0.25 : Math.abs(x - cx) < w / 2 && Math.abs(y - cy) < h / 2,
      );
      return hit?.grey ?? background;
    });
  },
  shuffled: (one, _other, random) => {
    const count = 4 + Math.floor(random() * 5);
    const cell = Math.floor(SIDE / count);
    const sources = Array.from({ length: (count + 1) ** 2 }, () => [
      Math.floor(random() * count) * cell,
      Math.floor(random() * count) * cell,
    ]);
    return paint((x, y) => {
      const [left = 0, top = 0] = sources[Math.floor(y / cell) * (count + 1) + Math.floor(x / cell)] ?? [];
      return one[(top + (y % cell)) * SIDE + left + (x % cell)] ?? 0;
    });
  },
  // A fan of speckle on black, as ultrasound looks.
  sector: (_one, _other, random) => {
    const [apex, opening, reach] = [random() * 20, 0.4 + random() * 0.5, 150 + random() * 70];
    const tissue = plasma(random, 4 + Math.floor(random() * 12));
    return paint((x, y) => {
      const [dx, dy] = [x - SIDE / 2, y - apex];
      const inside = Math.abs(Math.atan2(dx, dy)) < opening && Math.hypot(dx, dy) < reach && dy > 0;
      return inside ? tissue(x, y) * (0.2 + random()) * 0.8 : 0;
    });
  },
  // An oval body with inner ovals on black, as a cross-section looks.
  slice: (one, _other, random) => {
    const [wide, high, grey] = [70 + random() * 38, 50 + random() * 45, 70 + random() * 90];
    const organs = Array.from({ length: 2 + Math.floor(random() * 6) }, () => ({
      x: (random() - 0.5) * wide,
      y: (random() - 0.5) * high,
      w: 8 + random() * 35,
      h: 8 + random() * 35,
      grey: random() * 255,
    }));
    return paint((x, y) => {
      const [dx, dy] = [x - SIDE / 2, y - SIDE / 2];
      const radius = (dx / wide) ** 2 + (dy / high) ** 2;
      if (radius > 1) return 0;
      const texture = ((one[y * SIDE + x] ?? 0) - 128) * 0.15 + 12 * (random() - 0.5);
      if (radius > 0.9) return 150 + texture;
      return (
        (organs.find((organ) => ((dx - organ.x) / organ.w) ** 2 + ((dy - organ.y) / organ.h) ** 2 < 1)?.grey ?? grey) +
        texture
      );
    });
  },
  solid: (one, _other, random) => {
    const [grey, share] = [random() * 255, random() * 0.08];
    return one.map((value) => clamp(grey + share * (value - 128)));
  },
};

/** One foreign image of a kind. */
export function foreignImage(kind: ForeignKind, one: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  return makers[kind](one, other, random);
}
