import { display, type DisplayFrame } from '../dicom/display.ts';
import type { Presentation } from '../dicom/presentation.ts';
import type { DecodedFrame } from '../dicom/instance.ts';
import { Problem } from '../problem.ts';
import { type Content, contentOf, cropped } from './content.ts';
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
  /** Which part of the preview `image` shows. */
  content: Content;
}

const previewSide = 384;
/** 16k x 16k: far beyond any detector, far below what would exhaust a worker. */
const mostPixels = 2 ** 28;

/**
 * One decoded frame as the model wants it, in the steps of model.json's `preprocessing`, after borders of one value were
 * cut off (`content.ts`): modality transform and VOI window (MONOCHROME1 inverted, 8 to 16 bits, signed), colour to
 * grey, size. Scaling to the network's range is inside the graph.
 *
 * @param wholeFrame leave borders: they belong to images of this kind
 * @throws Problem `structure` if the frame has no pixels or not as many as it says; `not-supported` for a
 * photometric interpretation without a defined display.
 */
export async function modelInput(
  frame: DecodedFrame,
  presentation: Presentation,
  model: ModelDescription,
  scale: ScaleToGrey,
  wholeFrame = false,
): Promise<ModelInput> {
  const { rows, columns, samplesPerPixel, pixels } = frame;
  if (rows < 1 || columns < 1 || rows * columns > mostPixels || pixels.length !== rows * columns * samplesPerPixel) {
    throw new Problem('structure', 'The image has not the pixels that it says it has.');
  }
  const content = wholeFrame ? { left: 0, top: 0, width: columns, height: rows } : contentOf(frame);
  const film = cropped(frame, content);
  const picture = display(film, presentation);
  const { width, height, fit, kernel } = model.preprocessing;
  const grey = await scale(picture, { width, height, fit, kernel });
  const shrink = Math.min(1, previewSide / Math.max(rows, columns));
  const size = { width: Math.max(1, Math.round(columns * shrink)), height: Math.max(1, Math.round(rows * shrink)) };
  const shown = film === frame ? picture : display(frame, presentation);
  return {
    image: threeChannels(grey),
    preview: { ...size, grey: await scale(shown, { ...size, fit: 'fill', kernel: 'linear' }) },
    content: {
      left: content.left / columns,
      top: content.top / rows,
      width: content.width / columns,
      height: content.height / rows,
    },
  };
}

function threeChannels(grey: Uint8Array): Uint8Array {
  const image = new Uint8Array(grey.length * 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) image[at] = image[at + 1] = image[at + 2] = grey[i]!;
  return image;
}
