import sharp from 'sharp';
import type { RenderedLook } from '../../core/studies/pixel-decoder.ts';
import { Problem } from '../../core/problem.ts';

/** Pixels of all frames together, which are in memory at the same time. */
const mostPixels = 64 << 20;

/**
 * Joins frames into one GIF, which begins again at its end.
 *
 * @param frameAt one frame as PNG, when its turn comes
 * @throws Problem `too-costly` for more pixels than are kept together, `not-supported` when it cannot be encoded.
 */
export async function movingPicture(
  count: number,
  delays: readonly number[],
  frameAt: (index: number, look: RenderedLook) => Promise<Uint8Array>,
  look: Omit<RenderedLook, 'format'>,
): Promise<Uint8Array> {
  const frames: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const frame = await frameAt(i, { ...look, format: 'png' });
    if (i === 0) await mustFit(frame, count);
    frames.push(frame);
  }
  try {
    return await sharp(frames, { join: { animated: true } })
      .gif({ delay: [...delays], loop: 0, effort: 1, keepDuplicateFrames: true })
      .toBuffer();
  } catch (cause) {
    throw new Problem('not-supported', 'The frames cannot be encoded as a moving picture', { cause });
  }
}

async function mustFit(frame: Uint8Array, count: number): Promise<void> {
  const { width, height } = await sharp(frame).metadata();
  if (width * height * count > mostPixels)
    throw new Problem('too-costly', `A moving picture has ${mostPixels >> 20} megapixels at most: ask for a viewport or for some frames`); // prettier-ignore
}
