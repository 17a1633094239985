import { frameCount, frameRanges } from '../../core/dicom/frame-ranges.ts';
import type { DicomJson } from '../../core/dicom/json.ts';
import type { InstanceRow } from '../../core/dicom/instance.ts';
import { put } from '../../core/table.ts';

/** What a worker needs to know of an instance to work on one frame. */
export interface FrameSlice {
  /** Attributes of the image only; the per-frame functional groups hold this frame's item alone. */
  instance: InstanceRow;
  /** Index of the frame in `instance.frames`. */
  frame: number;
}

/**
 * Cuts an instance down to one frame, because a message to a worker is a deep copy and a multi-frame
 * object's attributes and offsets may be megabytes.
 * @throws Problem `not-found` for a frame that is not there.
 */
export function sliceOfFrame(instance: InstanceRow, frame: number): FrameSlice {
  const { ranges } = frameRanges(instance, frame);
  const attributes: DicomJson = {};
  for (const [tag, element] of Object.entries(instance.attributes)) {
    if (tag === '52009230') {
      const own = element.Value?.[frame];
      if (own !== undefined) put(attributes, tag, { vr: 'SQ', Value: [own] });
    } else if (/^(0028|60|7FE0|20500020|52009229|00181164|00182010)/.test(tag)) put(attributes, tag, element);
  }
  if (!instance.frames?.encapsulated || frameCount(instance.frames) === 1)
    return { instance: { ...instance, attributes }, frame };
  return { instance: { ...instance, attributes, frames: { encapsulated: true, frames: [ranges] } }, frame: 0 };
}
