import { display, type DisplayFrame } from '../dicom/display.ts';
import type { Presentation } from '../dicom/presentation.ts';
import type { DecodedFrame } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { ModelDescription } from './model-description.ts';

/** Brings an 8-bit picture to grey (ITU-R 709 luminance, as the training did) and to the asked size. */
export type ScaleToGrey = (
  picture: DisplayFrame,
  to: { width: number; height: number; fit: 'fill' | 'contain'; kernel: ModelDescription['preprocessing']['kernel'] },
) => Promise<Uint8Array>;

export interface ModelInput {
  /** uint8, rows x columns x 3, the same grey in all three channels, 0 to 255: what the graph takes. */
  image: Uint8Array;
  /** The frame as a person sees it, grey, at most `previewSide` pixels on the longer side: the ground of the heat map. */
  preview: { width: number; height: number; grey: Uint8Array };
}

const previewSide = 512;
/** 16k x 16k: far beyond any detector, far below what would exhaust a worker. */
const mostPixels = 2 ** 28;

/**
 * One decoded frame as the model wants it, in the steps of model.json's `preprocessing`: modality transform
 * and VOI window (MONOCHROME1 inverted, 8 to 16 bits, signed), colour to grey, size. Scaling to the network's
 * range is inside the graph.
 *
 * @throws Problem `structure` if the frame has no pixels or not as many as it says; `not-supported` for a
 * photometric interpretation without a defined display.
 */
export async function modelInput(
  frame: DecodedFrame,
  presentation: Presentation,
  model: ModelDescription,
  scale: ScaleToGrey,
): Promise<ModelInput> {
  const { rows, columns, samplesPerPixel, pixels } = frame;
  if (rows < 1 || columns < 1 || rows * columns > mostPixels || pixels.length !== rows * columns * samplesPerPixel) {
    throw new Problem('structure', 'The image has not the pixels that it says it has.');
  }
  const picture = display(frame, presentation);
  const { width, height, fit, kernel } = model.preprocessing;
  const shrink = Math.min(1, previewSide / Math.max(rows, columns));
  const size = { width: Math.max(1, Math.round(columns * shrink)), height: Math.max(1, Math.round(rows * shrink)) };
  const grey = await scale(picture, { width, height, fit, kernel });
  return {
    image: threeChannels(grey),
    preview: { ...size, grey: await scale(picture, { ...size, fit: 'fill', kernel: 'lanczos3' }) },
  };
}

function threeChannels(grey: Uint8Array): Uint8Array {
  const image = new Uint8Array(grey.length * 3);
  grey.forEach((value, i) => image.fill(value, i * 3, i * 3 + 3));
  return image;
}
