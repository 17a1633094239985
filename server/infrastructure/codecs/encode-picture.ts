import sharp, { type Sharp } from 'sharp';
import type { RenderedLook } from '../../core/studies/pixel-decoder.ts';
import type { DisplayFrame } from '../../core/dicom/display.ts';
import { Problem } from '../../core/problem.ts';

/** Pixels of a side that JPEG encoders take; the format itself would go to 65,535. */
const longestSide = { jpeg: 65_500, png: 1_000_000, gif: 65_535 };

/**
 * Crops, mirrors, scales and encodes a displayable frame (PS3.18 8.3.5.1.3, Viewport). An image that is longer than the
 * format takes comes smaller.
 * @throws Problem `value` for a region that lies outside of the image, `not-supported` when it cannot be encoded.
 */
export async function encodePicture(frame: DisplayFrame, look: RenderedLook): Promise<Uint8Array> {
  return encode(frame, look).catch((cause: unknown) => {
    if (cause instanceof Problem) throw cause;
    throw new Problem('not-supported', 'The image cannot be encoded as a picture of this type', { cause });
  });
}

async function encode(frame: DisplayFrame, look: RenderedLook): Promise<Uint8Array> {
  const { width, height, channels, data } = frame;
  let picture = sharp(data, { raw: { width, height, channels } });
  const { viewport } = look;
  if (viewport) {
    if (viewport.region) picture = region(picture, viewport.region, frame);
    picture = picture.resize(viewport.width, viewport.height, { fit: 'inside', kernel: 'lanczos2' });
  } else if (Math.max(width, height) > longestSide[look.format]) {
    const scale = longestSide[look.format] / Math.max(width, height);
    const scaled = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
    picture = picture.resize(scaled[0], scaled[1], { fit: 'fill' });
  }
  if (look.format === 'gif') return picture.gif({ effort: 3 }).toBuffer();
  if (look.format === 'png')
    return (channels === 1 ? picture.toColourspace('b-w') : picture).png({ compressionLevel: 6 }).toBuffer();
  return (channels === 1 ? picture.toColourspace('b-w') : picture).jpeg({ quality: look.quality ?? 90 }).toBuffer();
}

type Region = NonNullable<NonNullable<RenderedLook['viewport']>['region']>;

/** A negative size mirrors what is shown; the region itself is the same. */
function region(picture: Sharp, asked: Region, image: { width: number; height: number }): Sharp {
  const left = Math.floor(asked.x);
  const top = Math.floor(asked.y);
  const width = Math.min(Math.ceil(Math.abs(asked.width)), image.width - left);
  const height = Math.min(Math.ceil(Math.abs(asked.height)), image.height - top);
  if (left < 0 || top < 0 || width < 1 || height < 1)
    throw new Problem('value', 'The viewport shows nothing of the image');
  let cut = picture.extract({ left, top, width, height });
  if (asked.width < 0) cut = cut.flop();
  if (asked.height < 0) cut = cut.flip();
  return cut;
}
