/**
 * Writes DICOM Part 10 files for tests, good ones and hostile ones. A data set is a list of elements in the
 * order in which they are written; nothing is checked or corrected, so that tests can break every rule.
 */
import { deflateRawSync } from 'node:zlib';

export type Element = readonly [tag: string, vr: string, value?: ElementValue];
/** Strings are written as Latin 1 (give bytes for other sets); numbers by VR; a list of lists is a sequence. */
export type ElementValue =
  string | number | readonly number[] | Uint8Array | readonly (readonly Element[])[] | Fragments;
export interface Fragments {
  /** First item: the Basic Offset Table, empty by default. */
  offsets?: readonly number[];
  fragments: readonly Uint8Array[];
}

export interface FileOptions {
  /** Default Explicit VR Little Endian. */
  transferSyntax?: string;
  /** Write sequences and items with undefined length. */
  undefinedLengths?: boolean;
  /** Leave out preamble, prefix and meta information. */
  bare?: boolean;
  /** Elements of group 2 instead of the usual ones. */
  meta?: readonly Element[];
  preamble?: Uint8Array;
}

export const syntaxes = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  bigEndian: '1.2.840.10008.1.2.2',
  jpeg: '1.2.840.10008.1.2.4.50',
  jpeg2000: '1.2.840.10008.1.2.4.90',
  rle: '1.2.840.10008.1.2.5',
} as const;

interface Form {
  explicit: boolean;
  littleEndian: boolean;
  undefinedLengths: boolean;
}

export function dicomFile(elements: readonly Element[], options: FileOptions = {}): Buffer {
  const syntax = options.transferSyntax ?? syntaxes.explicit;
  const form: Form = {
    explicit: syntax !== syntaxes.implicit,
    littleEndian: syntax !== syntaxes.bigEndian,
    undefinedLengths: options.undefinedLengths ?? false,
  };
  const plain = Buffer.concat(elements.map((element) => writeElement(element, form)));
  const dataSet = syntax === syntaxes.deflated ? deflateRawSync(plain) : plain;
  if (options.bare) return dataSet;
  const text = (tag: string) => String(elements.find(([name]) => name === tag)?.[2] ?? '');
  const meta = options.meta ?? [
    ['00020001', 'OB', Buffer.from([0, 1])],
    ['00020002', 'UI', text('00080016')],
    ['00020003', 'UI', text('00080018')],
    ['00020010', 'UI', syntax],
    ['00020012', 'UI', '2.25.1'],
  ];
  const group = Buffer.concat(
    meta.map((element) => writeElement(element, { explicit: true, littleEndian: true, undefinedLengths: false })),
  );
  const length = writeElement(['00020000', 'UL', group.length], {
    explicit: true,
    littleEndian: true,
    undefinedLengths: false,
  });
  return Buffer.concat([options.preamble ?? Buffer.alloc(128), Buffer.from('DICM'), length, group, dataSet]);
}

export interface ImageOptions extends FileOptions {
  study?: string;
  series?: string;
  instance?: string;
  patientId?: string;
  patientName?: string;
  modality?: string;
  rows?: number;
  columns?: number;
  /** Bits Allocated; 16 by default. */
  bits?: number;
  frames?: number;
  number?: number;
  /** Replace or add elements by tag; `undefined` as value list leaves one out. */
  with?: readonly Element[];
  without?: readonly string[];
  pixels?: Uint8Array | Fragments;
}

let serial = 0;

/** A new UID, different in every call and process. */
export function newUid(): string {
  return `2.25.${process.pid}${Date.now()}${++serial}`;
}

/** A small CT image (16 x 16) with everything that an archive needs; each call is another instance. */
export function imageFile(options: ImageOptions = {}): Buffer {
  return dicomFile(imageElements(options), options);
}

export function imageElements(options: ImageOptions = {}): Element[] {
  const rows = options.rows ?? 16;
  const columns = options.columns ?? 16;
  const bits = options.bits ?? 16;
  const frames = options.frames;
  const length = Math.ceil((rows * columns * bits * (frames ?? 1)) / 8);
  const pixels = options.pixels ?? Uint8Array.from({ length }, (_, i) => (i * 7 + serial) & 0xff);
  const elements: Element[] = [
    ['00080005', 'CS', 'ISO_IR 192'],
    ['00080008', 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
    ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.2'],
    ['00080018', 'UI', options.instance ?? newUid()],
    ['00080020', 'DA', '20260412'],
    ['00080021', 'DA', '20260412'],
    ['00080030', 'TM', '101530.25'],
    ['00080031', 'TM', '101600'],
    ['00080050', 'SH', 'ACC-1'],
    ['00080060', 'CS', options.modality ?? 'CT'],
    ['00080090', 'PN', 'Referrer^Rosa'],
    ['00081030', 'LO', 'Chest CT'],
    ['0008103E', 'LO', 'Axial 5 mm'],
    ['00100010', 'PN', options.patientName ?? 'Example^Erika'],
    ['00100020', 'LO', options.patientId ?? 'PID-1'],
    ['00100030', 'DA', '19700203'],
    ['00100040', 'CS', 'F'],
    ['00180015', 'CS', 'CHEST'],
    ['0020000D', 'UI', options.study ?? newUid()],
    ['0020000E', 'UI', options.series ?? newUid()],
    ['00200010', 'SH', 'S1'],
    ['00200011', 'IS', '1'],
    ['00200013', 'IS', String(options.number ?? 1)],
    ['00280002', 'US', 1],
    ['00280004', 'CS', 'MONOCHROME2'],
    ...(frames === undefined ? [] : [['00280008', 'IS', String(frames)] as const]),
    ['00280010', 'US', rows],
    ['00280011', 'US', columns],
    ['00280100', 'US', bits],
    ['00280101', 'US', bits],
    ['00280102', 'US', bits - 1],
    ['00280103', 'US', 0],
    ['7FE00010', bits > 8 && !('fragments' in pixels) ? 'OW' : 'OB', pixels],
  ];
  const changed = new Map(elements.map((element) => [element[0], element]));
  for (const element of options.with ?? []) changed.set(element[0], element);
  for (const tag of options.without ?? []) changed.delete(tag);
  return [...changed.values()].sort(([a], [b]) => (a < b ? -1 : 1));
}

const longForm = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const width: Record<string, number> = {
  US: 2,
  SS: 2,
  OW: 2,
  UL: 4,
  SL: 4,
  FL: 4,
  OF: 4,
  OL: 4,
  FD: 8,
  OD: 8,
  SV: 8,
  UV: 8,
  OV: 8,
  AT: 4,
};

function writeElement([tag, vr, value = '']: Element, form: Form): Buffer {
  if (typeof value === 'object' && 'fragments' in value) return writeFragments(tag, vr, value, form);
  if (vr === 'SQ' && Array.isArray(value)) return writeSequence(tag, value as readonly (readonly Element[])[], form);
  const bytes = writeValue(vr, value as Exclude<ElementValue, Fragments>, form.littleEndian);
  return Buffer.concat([header(tag, vr, bytes.length, form), bytes]);
}

/** An element's header with any length one likes. */
export function header(
  tag: string,
  vr: string,
  length: number,
  form: { explicit: boolean; littleEndian: boolean },
): Buffer {
  const long = !form.explicit || longForm.has(vr);
  const bytes = Buffer.alloc(!form.explicit || !long ? 8 : 12);
  const number16 = (number: number, at: number) =>
    form.littleEndian ? bytes.writeUInt16LE(number, at) : bytes.writeUInt16BE(number, at);
  const number32 = (number: number, at: number) =>
    form.littleEndian ? bytes.writeUInt32LE(number, at) : bytes.writeUInt32BE(number, at);
  number16(Number.parseInt(tag.slice(0, 4), 16), 0);
  number16(Number.parseInt(tag.slice(4), 16), 2);
  if (tag.startsWith('FFFE') || !form.explicit) {
    number32(length, 4);
    return bytes.subarray(0, 8);
  }
  bytes.write(vr, 4, 'latin1');
  if (long) number32(length, 8);
  else number16(length, 6);
  return bytes;
}

function writeSequence(tag: string, items: readonly (readonly Element[])[], form: Form): Buffer {
  const open = form.undefinedLengths;
  const parts = items.map((item) => {
    const inside = Buffer.concat(item.map((element) => writeElement(element, form)));
    const end = open ? header('FFFEE00D', '', 0, form) : Buffer.alloc(0);
    return Buffer.concat([header('FFFEE000', '', open ? 0xffffffff : inside.length, form), inside, end]);
  });
  const body = Buffer.concat(parts);
  const end = open ? header('FFFEE0DD', '', 0, form) : Buffer.alloc(0);
  return Buffer.concat([header(tag, 'SQ', open ? 0xffffffff : body.length, form), body, end]);
}

function writeFragments(tag: string, vr: string, { offsets = [], fragments }: Fragments, form: Form): Buffer {
  const table = Buffer.alloc(offsets.length * 4);
  for (const [i, offset] of offsets.entries()) table.writeUInt32LE(offset, i * 4);
  const items = [table, ...fragments].map((bytes) =>
    Buffer.concat([header('FFFEE000', '', bytes.length, form), bytes]),
  );
  return Buffer.concat([header(tag, vr, 0xffffffff, form), ...items, header('FFFEE0DD', '', 0, form)]);
}

function writeValue(
  vr: string,
  value: string | number | readonly unknown[] | Uint8Array,
  littleEndian: boolean,
): Buffer {
  if (value instanceof Uint8Array) {
    const bytes = value.length % 2 === 0 ? Buffer.from(value) : Buffer.concat([value, Buffer.alloc(1)]);
    return littleEndian || width[vr] === undefined ? bytes : swap(bytes, width[vr]);
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'latin1');
    return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  }
  const numbers = (typeof value === 'number' ? [value] : value) as readonly number[];
  const size = width[vr] ?? 2;
  const bytes = Buffer.alloc(numbers.length * size);
  for (const [i, number] of numbers.entries()) writeNumber(bytes, vr, size, number, i * size);
  return littleEndian ? bytes : swap(bytes, vr === 'AT' ? 2 : size);
}

function writeNumber(bytes: Buffer, vr: string, size: number, number: number, at: number): void {
  if (vr === 'FL') bytes.writeFloatLE(number, at);
  else if (vr === 'FD') bytes.writeDoubleLE(number, at);
  else if (vr === 'AT') {
    bytes.writeUInt16LE(number >>> 16, at);
    bytes.writeUInt16LE(number & 0xffff, at + 2);
  } else if (size === 8) bytes.writeBigInt64LE(BigInt(number), at);
  else if (size === 4) bytes.writeInt32LE(number | 0, at);
  else bytes.writeUInt16LE(number & 0xffff, at);
}

function swap(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.from(bytes);
  const words = copy.subarray(0, copy.length - (copy.length % size)); // hostile values need not be whole words
  if (size === 2) words.swap16();
  else if (size === 4) words.swap32();
  else if (size === 8) words.swap64();
  return copy;
}
