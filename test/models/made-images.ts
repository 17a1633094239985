import { PIXELS } from '../../models/training/pixels.ts';
import { LABELS } from '../../models/training/labels.ts';
import { derivedSeed, seededRandom } from '../../models/training/random.ts';

/** A grey 224 x 224 picture whose stripes tell its class; every seed differs in phase, shade and noise. */
export function madeImage(label: number, seed: number): Uint8Array {
  const random = seededRandom(derivedSeed(7, 'made', label, seed));
  const [phase, shade, angle] = [random() * 40, 60 + random() * 60, (label * Math.PI) / LABELS.length];
  const [wide, cos, sin] = [14 + 6 * label, Math.cos(angle), Math.sin(angle)];
  return Uint8Array.from({ length: PIXELS }, (_, at) => {
    const along = (at % 224) * cos + Math.floor(at / 224) * sin + phase;
    return Math.min(255, Math.max(0, shade + 70 * Math.sin((2 * Math.PI * along) / wide) + 30 * random()));
  });
}

/** A drawn mask: two white blobs on black. */
export function madeMask(): Uint8Array {
  return Uint8Array.from({ length: PIXELS }, (_, at) => {
    const [x, y] = [at % 224, Math.floor(at / 224)];
    return ((x - 70) / 30) ** 2 + ((y - 112) / 70) ** 2 < 1 || ((x - 154) / 30) ** 2 + ((y - 112) / 70) ** 2 < 1
      ? 255
      : 0;
  });
}
