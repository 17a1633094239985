/**
 * Files that break PS3.10 or PS3.5 in ways that other readers pass over, as files that all can read.
 *
 * A modality that forgets a delimiter forgets it in every image, and its operator cannot do anything about it. What leaves no
 * doubt is put right: every value stays as it is, byte for byte. What is cut off, contradicts itself or could be read in
 * two ways is refused as before.
 */
import { Problem } from '../../problem.ts';
import { trimEnd } from '../../trim-end.ts';
import type { ByteSource } from '../byte-source.ts';
import { compressedStream } from '../compressed-stream.ts';
import { edited, type Segment } from '../edits.ts';
import { undefinedLength, type Encoding } from '../element-header.ts';
import { fileMetaBytes } from '../file-meta.ts';
import { transferSyntax } from '../transfer-syntax.ts';
import { isUid } from '../uid.ts';
import { looksExplicit, repairDataSet, repairWords, type DataSetRepair } from './repair-data-set.ts';
import { tolerantHeader } from './tolerant-header.ts';

export interface RepairedFile {
  /** The file from its first byte: new bytes, and ranges of what came. */
  segments: Segment[];
  /** What was put right, in words. */
  repairs: string[];
  /** The end of encapsulated pixel data was missing, so the number of its frames has to be compared with what it says. */
  endWasMissing: boolean;
}

interface Head {
  /** Where the data set begins. */
  dataSetAt: number;
  /** Elements of group 2 but its length. */
  elements: { tag: string; vr: string; value: Uint8Array }[];
  repairs: string[];
}

const syntaxes = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  bigEndian: '1.2.840.10008.1.2.2',
  rle: '1.2.840.10008.1.2.5',
};
const explicitLittle: Encoding = { explicit: true, littleEndian: true };
const implicitLittle: Encoding = { explicit: false, littleEndian: true };
const explicitBig: Encoding = { explicit: true, littleEndian: false };

/** Of the first bytes of a file: whether it can be one, also without its preamble or its meta information. */
export function mayBeDicom(beginning: Uint8Array): boolean {
  const text = (from: number) => Buffer.from(beginning.subarray(from, from + 4)).toString('latin1');
  if (text(128) === 'DICM' || text(0) === 'DICM') return true;
  const [a, b, c, d] = beginning;
  if (beginning.length < 16) return false;
  if (a === 2 && b === 0 && c! <= 0x18 && d === 0) return true;
  // Group 8, either way round, with one of its first elements.
  return (a === 8 && b === 0 && c! <= 0x70 && d === 0) || (a === 0 && b === 8 && c === 0 && d! <= 0x70);
}

/**
 * @returns the file as it should have been
 * @throws Problem as its parts; also where there was nothing to put right.
 */
export function repairedFile(source: ByteSource): RepairedFile {
  const head = headOf(source);
  const named = uidOf(head, '00020010');
  const label = named === undefined ? undefined : transferSyntax(named);
  if (named !== undefined && !label)
    throw new Problem('not-supported', 'The transfer syntax of the file (0002,0010) is not one that is stored here');
  const written = encodingOf(source, head.dataSetAt, label);
  if (!written && label?.deflated) throw new Problem('structure', 'A deflated data set is not repaired');
  if (!written) throw new Problem('structure', 'What the file begins with is no data set');
  let dataSet = repairDataSet(source, head.dataSetAt, written, written);
  const TransferSyntaxUID = syntaxOf(source, dataSet, named, written);
  if (dataSet.firstFragment && !written.explicit)
    dataSet = repairDataSet(source, head.dataSetAt, written, explicitLittle);
  const repairs = [...head.repairs, ...dataSet.repairs];
  if (named !== undefined && TransferSyntaxUID !== named)
    repairs.push('the transfer syntax that the file named was not the one in which it is written');
  if (repairs.length === 0) throw new Problem('structure', 'The file is broken in a way that is not repaired');
  const others = head.elements.filter(({ tag }) => !/^0002000[0123]$|^00020010$/.test(tag));
  const meta = fileMetaBytes(namesOf(head, dataSet, TransferSyntaxUID), others);
  return {
    segments: [meta, ...edited(source, head.dataSetAt, source.size, dataSet.edits)],
    repairs,
    endWasMissing: dataSet.firstFragment !== undefined && dataSet.repairs.has(repairWords.delimiter),
  };
}

/** What the head names stays what it names: a contradiction with the data set is for the reader to refuse. */
function namesOf(head: Head, dataSet: DataSetRepair, TransferSyntaxUID: string): Parameters<typeof fileMetaBytes>[0] {
  return {
    SOPClassUID: uidOf(head, '00020002') ?? dataSet.SOPClassUID,
    SOPInstanceUID: uidOf(head, '00020003') ?? dataSet.SOPInstanceUID,
    TransferSyntaxUID,
  };
}

/** Preamble, prefix and group 2, as far as they are there. */
function headOf(source: ByteSource): Head {
  const prefixAt = (at: number) =>
    source.size >= at + 4 && Buffer.from(source.bytes(at, 4)).toString('latin1') === 'DICM';
  const start = prefixAt(128) ? 132 : prefixAt(0) ? 4 : 0;
  const repairs = start === 132 ? [] : ['the preamble of the file was missing'];
  const elements: Head['elements'] = [];
  let at = start;
  for (; source.size - at >= 8;) {
    const bytes = Uint8Array.from(source.bytes(at, 8));
    if (bytes[0] !== 2 || bytes[1] !== 0) break;
    const encoding = looksExplicit(bytes) ? explicitLittle : implicitLittle;
    if (!encoding.explicit && !repairs.includes(words.implicitHead)) repairs.push(words.implicitHead);
    const header = tolerantHeader(source, at, source.size, encoding, false);
    if (!header || header.length === undefinedLength || header.length > 1 << 20)
      throw new Problem('structure', 'The file meta information cannot be read');
    const { tag, vr, valueAt, length } = header;
    if (tag !== '00020000') elements.push({ tag, vr, value: Uint8Array.from(source.bytes(valueAt, length)) });
    at = valueAt + length;
  }
  if (elements.length === 0) repairs.push('the file meta information was missing');
  else if (!elements.some(({ tag, value }) => tag === '00020010' && value.length > 0))
    repairs.push('the file meta information named no transfer syntax');
  return { dataSetAt: at, elements, repairs };
}

const words = { implicitHead: 'the file meta information was not in Explicit VR Little Endian' };

function uidOf({ elements }: Head, tag: string): string | undefined {
  const element = elements.find((one) => one.tag === tag);
  const text = element && trimEnd(Buffer.from(element.value).toString('latin1'), '\0 ').trimStart();
  return text !== undefined && text !== '' && isUid(text) ? text : undefined;
}

/** How the data set is written: as its label says if its first elements can be read so, else as they can. */
function encodingOf(
  source: ByteSource,
  at: number,
  label: { explicit: boolean; littleEndian: boolean } | undefined,
): Encoding | undefined {
  const candidates = [
    ...(label ? [{ explicit: label.explicit, littleEndian: label.littleEndian }] : []),
    explicitLittle,
    implicitLittle,
    explicitBig,
  ];
  return candidates.find((encoding) => canBeReadAs(source, at, encoding));
}

const looks = 6;

/** The first elements have the form, and their tags rise. */
function canBeReadAs(source: ByteSource, start: number, encoding: Encoding): boolean {
  let at = start;
  let last = '';
  for (let n = 0; n < looks && at < source.size; n++) {
    if (source.size - at < 8) return n > 1;
    if (encoding.explicit !== looksExplicit(source.bytes(at, 8)) && n < 2) return false;
    const header = tolerantHeader(source, at, source.size, encoding, false);
    if (!header || (header.tag <= last && header.tag >= '0008') || Number.parseInt(header.tag.slice(0, 4), 16) > 0x7fe0)
      return false;
    if (n === 0 && !/^00(0[0248]|10)/.test(header.tag)) return false;
    if (header.length === undefinedLength || header.vr === 'SQ') return n > 0;
    if (header.tag > last) last = header.tag;
    at = header.valueAt + header.present;
  }
  return last !== '';
}

/** The label where it fits what is there; else what is there. */
function syntaxOf(
  source: ByteSource,
  { firstFragment }: DataSetRepair,
  named: string | undefined,
  written: Encoding,
): string {
  // prettier-ignore
  const label = named === undefined ? undefined : transferSyntax(named);
  if (firstFragment) {
    if (label?.encapsulated) return named!;
    return fragmentSyntax(source, firstFragment);
  }
  const fits = label && !label.deflated && !label.encapsulated && label.explicit === written.explicit && label.littleEndian === written.littleEndian; // prettier-ignore
  if (fits) return named!;
  // The label of a compression on what is not compressed: whether the pixels are all there, the reader finds out.
  if (!written.littleEndian) return syntaxes.bigEndian;
  return written.explicit ? syntaxes.explicit : syntaxes.implicit;
}

const mostOfStream = 1 << 20;

function fragmentSyntax(source: ByteSource, { offset, length }: { offset: number; length: number }): string {
  const bytes = Uint8Array.from(source.bytes(offset, Math.min(length, mostOfStream)));
  const stream = compressedStream(bytes);
  if (stream) return stream.TransferSyntaxUID;
  const view = new DataView(bytes.buffer);
  const segments = bytes.length >= 64 ? view.getUint32(0, true) : 0;
  // The header of RLE (PS3.5 G.5): the number of segments, and where the first one begins.
  if (segments >= 1 && segments <= 15 && view.getUint32(4, true) === 64) return syntaxes.rle;
  throw new Problem('structure', 'Nothing in the file says how its pixel data is compressed');
}
