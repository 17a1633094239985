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
  const cut = viewport?.region && regionOf(viewport.region, frame);
  if (cut) picture = region(picture, viewport.region!, cut);
  const size = shownSize(
    cut ?? frame,
    frame.aspect ?? 1,
    viewport ?? { width: longestSide[look.format], height: longestSide[look.format] },
    viewport !== undefined,
  );
  if (size) picture = picture.resize(size.width, size.height, { fit: 'fill', kernel: 'lanczos2' });
  if (look.format === 'gif') return picture.gif({ effort: 3 }).toBuffer();
  if (look.format === 'png')
    return (channels === 1 ? picture.toColourspace('b-w') : picture).png({ compressionLevel: 6 }).toBuffer();
  return (channels === 1 ? picture.toColourspace('b-w') : picture).jpeg(jpegOptions(look.quality ?? 90)).toBuffer();
}

type Region = NonNullable<NonNullable<RenderedLook['viewport']>['region']>;

/** At the best quality colour keeps its resolution. Huffman tables made to measure save a tenth of the bytes and double the time. */
function jpegOptions(quality: number) {
  return { quality, chromaSubsampling: quality === 100 ? '4:4:4' : '4:2:0', optimiseCoding: false };
}

interface Size {
  width: number;
  height: number;
}

/**
 * The size in which pixels are square, none of them lost; fitted into the viewport where there is one, and never longer than
 * the format takes. Undefined when that is the size of the image.
 */
function shownSize(image: Size, aspect: number, box: Size, fit: boolean): Size | undefined {
  const square = { width: image.width * Math.max(1, 1 / aspect), height: image.height * Math.max(1, aspect) };
  const fitting = Math.min(box.width / square.width, box.height / square.height);
  const scale = fit ? fitting : Math.min(1, fitting);
  const width = Math.max(1, Math.min(box.width, Math.round(square.width * scale)));
  const height = Math.max(1, Math.min(box.height, Math.round(square.height * scale)));
  return width === image.width && height === image.height ? undefined : { width, height };
}

/** The part of the image that is asked for, inside of it. @throws Problem `value` when there is nothing of it. */
function regionOf(asked: Region, image: Size): Size & { left: number; top: number } {
  const left = Math.floor(asked.x);
  const top = Math.floor(asked.y);
  const width = Math.min(Math.ceil(Math.abs(asked.width)), image.width - left);
  const height = Math.min(Math.ceil(Math.abs(asked.height)), image.height - top);
  if (left < 0 || top < 0 || width < 1 || height < 1)
    throw new Problem('value', 'The viewport shows nothing of the image');
  return { left, top, width, height };
}

/** A negative size mirrors what is shown; the region itself is the same. */
function region(picture: Sharp, asked: Region, { left, top, width, height }: ReturnType<typeof regionOf>): Sharp {
  let cut = picture.extract({ left, top, width, height });
  if (asked.width < 0) cut = cut.flop();
  if (asked.height < 0) cut = cut.flip();
  return cut;
}
