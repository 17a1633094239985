import type { DataSetCoercion } from '../dicom/coerced-data-set.ts';
import type { DecodedFrame, InstanceRow } from '../dicom/instance.ts';

/** For whom pixels are worked on: callers take turns, and nothing is begun for who has gone. */
export interface PixelErrand {
  caller?: string;
  signal?: AbortSignal;
}

/** Works on stored pixels in worker threads with time and memory limits. Frames count from 0. */
export interface PixelDecoder {
  /** @throws Problem `not-supported` (syntax), `structure` (broken stream), `timeout`, `transient` (too many wait). */
  decode(instance: InstanceRow, frame: number, errand?: PixelErrand): Promise<DecodedFrame>;
  /**
   * One frame as a consumer picture: decoded, modality and VOI transform applied, cropped and scaled (PS3.18 8.3.5.1).
   * @throws as `decode`.
   */
  render(instance: InstanceRow, frame: number, look: RenderedLook, errand?: PixelErrand): Promise<Uint8Array>;
  /**
   * Several frames as one moving GIF.
   * @param delays milliseconds for which each frame stands
   * @throws as `decode`; `too-costly` for more pixels than are kept together.
   */
  animate(
    instance: InstanceRow,
    frames: readonly number[],
    delays: readonly number[],
    look: Omit<RenderedLook, 'format'>,
    errand?: PixelErrand,
  ): Promise<Uint8Array>;
  /**
   * The whole Part 10 file in Explicit VR Little Endian with native pixel data, chunk by chunk; lossless,
   * whatever the stored transfer syntax. The first chunk comes only when all that can be refused was checked.
   * @param coercion what it says otherwise than the stored one
   * @throws Problem `not-supported`, `structure`, `timeout`, `transient`.
   */
  explicit(instance: InstanceRow, coercion?: DataSetCoercion): AsyncIterable<Uint8Array>;
  /**
   * The whole Part 10 file with its frames encoded in one of `encodedSyntaxes`, as `explicit`; without pixels it is in
   * Explicit VR Little Endian. What is lossy says so in the file (PS3.3 C.7.6.1.1.5).
   * @throws Problem as `explicit`; `not-supported` for images that the transfer syntax cannot hold.
   */
  transcode(instance: InstanceRow, transferSyntax: string, coercion?: DataSetCoercion): AsyncIterable<Uint8Array>;
  /** One frame in one of `encodedSyntaxes`, of even length. @throws as `transcode`. */
  encode(instance: InstanceRow, frame: number, transferSyntax: string, errand?: PixelErrand): Promise<Uint8Array>;
}

/** How a rendered frame shall look; absent values leave the choice to the image (its own VOI, its own size). */
export interface RenderedLook {
  format: 'jpeg' | 'png' | 'gif';
  /** JPEG quality, 1 to 100. */
  quality?: number;
  /** In units of the modality transform's output (CT: Hounsfield units). */
  window?: { center: number; width: number; shape: 'linear' | 'linear-exact' | 'sigmoid' };
  /** Fit into width x height pixels, of the whole image or of the region; a negative region size mirrors. */
  viewport?: { width: number; height: number; region?: { x: number; y: number; width: number; height: number } };
}
