import { IMAGE_SIDE } from './mobilenet.ts';
import type { Random } from './random.ts';

export interface Augmentation {
  /** Degrees either way. */
  rotation: number;
  /** Share of the side, either way. */
  zoom: number;
  shift: number;
  /** Share of the grey range, either way. */
  contrast: number;
  brightness: number;
}

/** No mirroring: a mirrored chest has its heart on the wrong side, which is a finding of its own. */
export const AUGMENTATION: Augmentation = { rotation: 10, zoom: 0.1, shift: 0.1, contrast: 0.2, brightness: 0.08 };

/**
 * A random rotation, zoom, shift and change of contrast of one grey image, sampled bilinearly; what comes in from
 * outside repeats the edge, because a black wedge would be a mark that no real film has.
 */
export function augment(image: Uint8Array, random: Random, settings: Augmentation = AUGMENTATION): Uint8Array {
  const either = (range: number): number => (2 * random() - 1) * range;
  const angle = (either(settings.rotation) * Math.PI) / 180;
  const zoom = 1 + either(settings.zoom);
  const [right, down] = [either(settings.shift) * IMAGE_SIDE, either(settings.shift) * IMAGE_SIDE];
  const gain = 1 + either(settings.contrast);
  const lift = either(settings.brightness) * 255 + 128 * (1 - gain);
  const [cos, sin] = [Math.cos(angle) / zoom, Math.sin(angle) / zoom];
  const last = IMAGE_SIDE - 1;
  const centre = last / 2;
  const result = new Uint8Array(image.length);
  for (let y = 0; y < IMAGE_SIDE; y++) {
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const [dx, dy] = [x - centre - right, y - centre - down];
      const fromX = Math.min(last, Math.max(0, cos * dx + sin * dy + centre));
      const fromY = Math.min(last, Math.max(0, cos * dy - sin * dx + centre));
      const [left, top] = [Math.min(last - 1, Math.floor(fromX)), Math.min(last - 1, Math.floor(fromY))];
      const [partX, partY] = [fromX - left, fromY - top];
      const at = top * IMAGE_SIDE + left;
      const upper = (image[at] as number) * (1 - partX) + (image[at + 1] as number) * partX;
      const lower = (image[at + IMAGE_SIDE] as number) * (1 - partX) + (image[at + IMAGE_SIDE + 1] as number) * partX;
      const value = (upper * (1 - partY) + lower * partY) * gain + lift;
      result[y * IMAGE_SIDE + x] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
    }
  }
  return result;
}
