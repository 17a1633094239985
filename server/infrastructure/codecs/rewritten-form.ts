/** What other pixels change in the data set around them (PS3.5 8.2, PS3.3 C.7.6.1.1.5, C.7.6.3.1). */
import type { Edits } from '../../core/dicom/explicit-little-endian.ts';
import { isDecoded } from '../../core/dicom/encapsulated-syntaxes.ts';
import { frameCount } from '../../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { own } from '../../core/table.ts';
import { decodedPhotometric } from './compressed-frame.ts';
import { encodedForm, encodingOf } from './encoded-form.ts';
import { describeFrame, type FrameDescription } from './frame-description.ts';

export interface DecodedForm {
  edits: Edits;
  frames: number;
  /** Bits of one frame: those of 1-bit images follow each other without padding. */
  bits: number;
  /** Bytes of all of them, before padding. */
  length: number;
  vr: 'OB' | 'OW';
}

/** A file whose frames are encoded. */
export interface Encoded {
  transferSyntax: string;
  /** Lossy only: bytes of the samples to those of the encoded frames. */
  ratio?: number;
}

const text = (value: string) => new TextEncoder().encode(value);
const word = (value: number) => Uint8Array.of(value & 0xff, value >> 8);

/**
 * Compressed pixels as native ones: colour transform undone, samples interleaved and in the low bits, no offset tables.
 * @throws Problem `not-supported` when they cannot be decoded.
 */
export function decodedForm(instance: InstanceRow): DecodedForm {
  if (!isDecoded(instance.TransferSyntaxUID) || !instance.frames?.encapsulated)
    throw new Problem('not-supported', `Transfer syntax ${instance.TransferSyntaxUID} is not decoded here`);
  const image = describeFrame(instance);
  const frames = instance.frames.frames.length;
  const bits = image.rows * image.columns * image.samplesPerPixel * image.bitsAllocated;
  const length = Math.ceil((frames * bits) / 8);
  if (length > 0xffff_fffe)
    throw new Problem('not-supported', 'Decoded, the pixel data would be too long for its length field');
  const edits = sampleEdits(image, decodedPhotometric(image, instance.TransferSyntaxUID));
  // What was lossy once stays marked as that, also when the sender forgot to.
  if (/\.4\.(50|51|81)$/.test(instance.TransferSyntaxUID) && !instance.attributes['00282110']?.Value)
    edits.set('00282110', { vr: 'CS', value: text('01') });
  return { edits, frames, bits, length, vr: image.bitsAllocated > 8 ? 'OW' : 'OB' };
}

/**
 * Pixels of any kind as encoded ones.
 * @throws Problem `not-supported` when the image cannot be had in this transfer syntax.
 */
export function codedForm(instance: InstanceRow, { transferSyntax, ratio }: Encoded): { edits: Edits; frames: number } {
  const encoding = encodingOf(transferSyntax);
  refuseHiddenOverlays(instance);
  const image = describeFrame(instance);
  const { encapsulated } = instance.frames!;
  if (encapsulated && !isDecoded(instance.TransferSyntaxUID))
    throw new Problem('not-supported', `Transfer syntax ${instance.TransferSyntaxUID} is not decoded here`);
  const form = encodedForm(image, decodedPhotometric(image, instance.TransferSyntaxUID), encoding);
  const edits = sampleEdits(image, form.photometricInterpretation);
  if (form.bitsAllocated !== image.bitsAllocated) edits.set('00280100', { vr: 'US', value: word(form.bitsAllocated) });
  if (encoding.lossy !== undefined) markLossy(edits, instance, encoding.lossy, ratio ?? 1);
  return { edits, frames: frameCount(instance.frames) };
}

function sampleEdits(image: FrameDescription, photometric: string): Edits {
  const edits: Edits = new Map([['7FE00001', null], ['7FE00002', null]]); // prettier-ignore
  if (image.highBit !== image.bitsStored - 1) edits.set('00280102', { vr: 'US', value: word(image.bitsStored - 1) });
  if (image.samplesPerPixel === 3) edits.set('00280006', { vr: 'US', value: word(0) });
  if (photometric !== image.photometricInterpretation) edits.set('00280004', { vr: 'CS', value: text(photometric) });
  return edits;
}

/** Each lossy step stays in the lists with its ratio and its method, the last one last; such an image is a derived one. */
function markLossy(edits: Edits, { attributes }: InstanceRow, method: string, ratio: number): void {
  const grown = (tag: string, last: string) => [...(own(attributes, tag)?.Value ?? []).map(String), last].join('\\');
  edits.set('00282110', { vr: 'CS', value: text('01') });
  edits.set('00282112', { vr: 'DS', value: text(grown('00282112', ratio.toFixed(2))) });
  edits.set('00282114', { vr: 'CS', value: text(grown('00282114', method)) });
  const [, ...rest] = (attributes['00080008']?.Value ?? ['', 'PRIMARY']).map(String);
  edits.set('00080008', { vr: 'CS', value: text(['DERIVED', ...rest].join('\\')) });
}

/** Overlays of before 2004 lie in bits of the pixels that no codec keeps (PS3.5 8.1.2). */
function refuseHiddenOverlays({ attributes, bulk }: InstanceRow): void {
  for (const tag of Object.keys(attributes))
    if (/^60[0-9A-F]{2}0102$/.test(tag) && Number(own(attributes, tag)?.Value?.[0]) > 0) {
      const data = `${tag.slice(0, 4)}3000`;
      if (!own(attributes, data) && !own(bulk, data))
        throw new Problem(
          'not-supported',
          'An overlay in unused bits of the pixels would be lost in this transfer syntax',
        );
    }
}
