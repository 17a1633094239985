/**
 * A picture that is no DICOM, as one: Secondary Capture Image (PS3.3 A.8.1), one frame, uncompressed, Explicit VR Little Endian.
 * The same facts and the same picture give the same bytes, so that who makes it twice makes one image.
 */
import { inUtf8 } from './encode-text.ts';
import { elementBytes as binaryElement, elementHeader } from './explicit-little-endian.ts';
import { fileMetaBytes } from './file-meta.ts';
import type { DicomElement, DicomJson } from './json.ts';
import { elementBytes as textElement } from './write-element.ts';

export const secondaryCapture = '1.2.840.10008.5.1.4.1.1.7';
const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** Pixels, row by row; of colours red, green and blue in turn; of 16 bits the low byte first. */
export interface CapturedPicture {
  rows: number;
  columns: number;
  samples: 1 | 3;
  bits: 8 | 16;
  /** The darkest and the brightest value, for the window that it is first shown with; of grey only. */
  range?: { low: number; high: number };
  /** It has been a JPEG. */
  lossy: boolean;
}

export interface CaptureFacts {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
  /** Attributes of the patient (PS3.3 C.7.1.1). */
  patient: DicomJson;
  /** What it was taken with first (`DX`, `CT`, `MR`), or `OT`. */
  modality: string;
  bodyPart?: string;
  /** DA: of the examination, and of the day on which it became DICOM. */
  StudyDate: string;
  DateOfSecondaryCapture: string;
  description: string;
  note?: string;
  number: number;
}

/** All of the file up to the value of Pixel Data; the pixels follow, and `paddingOf` them. */
export function captureHeader(facts: CaptureFacts, picture: CapturedPicture): Uint8Array {
  const dataSet = Object.entries({ ...textOf(facts, picture), ...facts.patient })
    .map(([tag, element]): [string, Uint8Array] => [tag, textElement(tag, element, littleEndian, inUtf8)!])
    .concat(pixelDescription(picture))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, bytes]) => bytes);
  const length = pixelLength(picture);
  const pixelHeader = elementHeader('7FE00010', picture.bits === 16 ? 'OW' : 'OB', length + (length % 2));
  const { SOPInstanceUID } = facts;
  const meta = fileMetaBytes({
    SOPClassUID: secondaryCapture,
    SOPInstanceUID,
    TransferSyntaxUID: explicitLittleEndian,
  });
  return Buffer.concat([meta, ...dataSet, pixelHeader]);
}

/** A value has an even length (PS3.5 8.1.1). */
export function paddingOf(picture: CapturedPicture): Uint8Array {
  return new Uint8Array(pixelLength(picture) % 2);
}

const littleEndian = { explicit: true, littleEndian: true } as const;
const pixelLength = ({ rows, columns, samples, bits }: CapturedPicture) => rows * columns * samples * (bits / 8);

function textOf(facts: CaptureFacts, { lossy, range }: CapturedPicture): DicomJson {
  const element = (vr: string, ...values: (string | undefined)[]): DicomElement => {
    const said = values.filter((value) => value !== undefined && value !== '') as string[];
    return said.length > 0 ? { vr, Value: said } : { vr };
  };
  return {
    '00080005': element('CS', 'ISO_IR 192'),
    '00080008': element('CS', 'DERIVED', 'SECONDARY'),
    '00080016': element('UI', secondaryCapture),
    '00080018': element('UI', facts.SOPInstanceUID),
    '00080020': element('DA', facts.StudyDate),
    '00080030': element('TM'),
    '00080050': element('SH'),
    '00080060': element('CS', facts.modality),
    '00080064': element('CS', 'WSD'),
    '00080090': element('PN'),
    '00081030': element('LO', facts.description),
    // Additional Patient History: what a doctor is to know before the reading.
    ...(facts.note !== undefined && { '001021B0': element('LT', facts.note) }),
    ...(facts.bodyPart !== undefined && { '00180015': element('CS', facts.bodyPart) }),
    '00181012': element('DA', facts.DateOfSecondaryCapture),
    '00181016': element('LO', 'CSSS'),
    '00181018': element('LO', 'Upload of a picture'),
    '0020000D': element('UI', facts.StudyInstanceUID),
    '0020000E': element('UI', facts.SeriesInstanceUID),
    '00200010': element('SH'),
    '00200011': element('IS', '1'),
    '00200013': element('IS', String(facts.number)),
    '00200020': element('CS'),
    ...(range && {
      '00281050': element('DS', String((range.low + range.high + 1) / 2)),
      '00281051': element('DS', String(range.high - range.low + 1)),
    }),
    '00282110': element('CS', lossy ? '01' : '00'),
    ...(lossy && { '00282114': element('CS', 'ISO_10918_1') }),
  };
}

/** Image Pixel Module (PS3.3 C.7.6.3). */
function pixelDescription({ rows, columns, samples, bits }: CapturedPicture): [string, Uint8Array][] {
  const numbers: Record<string, number> = {
    '00280002': samples,
    '00280010': rows,
    '00280011': columns,
    '00280100': bits,
    '00280101': bits,
    '00280102': bits - 1,
    '00280103': 0,
    ...(samples === 3 && { '00280006': 0 }),
  };
  const photometric = Buffer.from(samples === 3 ? 'RGB' : 'MONOCHROME2');
  return [
    ...Object.entries(numbers).map(([tag, value]): [string, Uint8Array] => {
      const bytes = new DataView(new ArrayBuffer(2));
      bytes.setUint16(0, value, true);
      return [tag, Buffer.concat(binaryElement(tag, 'US', new Uint8Array(bytes.buffer)))];
    }),
    ['00280004', Buffer.concat(binaryElement('00280004', 'CS', photometric))],
  ];
}
