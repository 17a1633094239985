/** A thread for pixels before and after the model: scaling a film and drawing a heat map take milliseconds each. */
import '../../core/sealed-prototype.ts';
import sharp from 'sharp';
import { parentPort } from 'node:worker_threads';
import { overlay } from '../../core/analysis/grad-cam.ts';
import { modelInput, type ScaleToGrey } from '../../core/analysis/preprocess.ts';
import { Problem } from '../../core/problem.ts';
import { encodePicture } from '../codecs/encode-picture.ts';
import type { PixelAnswer, PixelQuestion } from './inference-messages.ts';

sharp.concurrency(1);
sharp.cache(false);

const scale: ScaleToGrey = async (picture, { width, height, fit, kernel }) => {
  const { data, info } = await sharp(picture.data, {
    raw: { width: picture.width, height: picture.height, channels: picture.channels },
    limitInputPixels: 2 ** 28,
  })
    .toColourspace('b-w')
    .resize(width, height, { fit, kernel, background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) throw new Problem('structure', 'The image did not become grey.');
  return new Uint8Array(data);
};

async function answer(question: PixelQuestion): Promise<PixelAnswer> {
  if (question.kind === 'input') {
    const { frame, presentation, description, wholeFrame } = question;
    return { input: await modelInput(frame, presentation, description, scale, wholeFrame) };
  }
  const { preview, content, map } = question;
  const { width, height } = preview;
  const data = overlay(preview, map, Math.sqrt(map.length), content);
  // A map of seven by seven cells has no detail to lose; a PNG takes ten times as long and five times the room.
  return { jpeg: new Uint8Array(await encodePicture({ width, height, channels: 3, data }, { format: 'jpeg' })) };
}

parentPort!.on('message', (question: PixelQuestion) => {
  answer(question).then(
    (found) =>
      parentPort!.postMessage(
        found,
        'input' in found
          ? [found.input.image.buffer as ArrayBuffer, found.input.preview.grey.buffer as ArrayBuffer]
          : [],
      ),
    (error: unknown) => {
      const problem = error instanceof Problem ? { code: error.code, message: error.message } : undefined;
      parentPort!.postMessage({
        problem: problem ?? {
          code: 'exception',
          message: 'The image could not be brought into the form of the model.',
        },
      } satisfies PixelAnswer);
    },
  );
});
