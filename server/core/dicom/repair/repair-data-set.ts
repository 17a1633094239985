import { Problem } from '../../problem.ts';
import { trimEnd } from '../../trim-end.ts';
import type { ByteSource } from '../byte-source.ts';
import type { Edit } from '../edits.ts';
import { isLongForm, itemEndTag, itemTag, sequenceEndTag, undefinedLength, type Encoding } from '../element-header.ts';
import { elementHeader } from '../explicit-little-endian.ts';
import { headerBytes } from '../write-element.ts';
import { restIsZeros } from '../trailing-zeros.ts';
import { tagAt, tolerantHeader, type TolerantHeader } from './tolerant-header.ts';

/** Changes that make a data set one that PS3.5 describes, and what it turned out to hold. */
export interface DataSetRepair {
  edits: Edit[];
  /** In words, each once. */
  repairs: Set<string>;
  SOPClassUID: string;
  SOPInstanceUID: string;
  /** Beginning of the first fragment of encapsulated pixel data. */
  firstFragment: { offset: number; length: number } | undefined;
}

export const repairWords = {
  delimiter: 'a missing end of a sequence, item or of encapsulated pixel data was written',
  stray: 'ends of sequences or items at places where there was none to end were left out',
  odd: 'values of odd length were padded',
  form: 'elements that were written in another form than their file says were written anew',
  length: 'lengths of sequences or items that did not fit were written anew',
  group: 'elements of a message or of file meta information between those of the data set were left out',
  after: 'bytes after the end of the data set were left out',
} as const;

const deepest = 32;
const mostElements = 1_500_000;
const tagPixels = '7FE00010';

interface Inside {
  depth: number;
  /** Encoding of the source here: items may be written otherwise than what is around them. */
  encoding: Encoding;
}

/**
 * Walks a data set that breaks PS3.5 in ways that leave no doubt about what it holds: ends that are missing, forms that were
 * mixed, something behind the last element. No value is changed, and nothing is made up: what is cut off stays refused.
 *
 * @param written how the source is written at its top
 * @param wanted how it is to be written: the same, or explicit
 * @throws Problem `structure` where several readings are possible or values are missing, `too-costly` past the limits.
 */
export function repairDataSet(source: ByteSource, start: number, written: Encoding, wanted: Encoding): DataSetRepair {
  const walk = new RepairWalk(source, wanted);
  walk.elements(start, source.size, false, { depth: 0, encoding: written });
  if (walk.endsOpen && walk.describesImage && !walk.pixelsSeen)
    throw new Problem(
      'structure',
      'The data set ends inside of a sequence, before its pixel data: the file is cut off',
    );
  const { edits, repairs, firstFragment } = walk;
  const [SOPClassUID = '', SOPInstanceUID = ''] = [walk.uids.get('00080016'), walk.uids.get('00080018')];
  return { edits, repairs, firstFragment, SOPClassUID, SOPInstanceUID };
}

class RepairWalk {
  readonly edits: Edit[] = [];
  readonly repairs = new Set<string>();
  readonly uids = new Map<string, string>();
  firstFragment: DataSetRepair['firstFragment'];
  pixelsSeen = false;
  describesImage = false;
  /** A sequence or an item has no end, and neither has the file more of it. */
  endsOpen = false;
  private readonly source: ByteSource;
  private readonly wanted: Encoding;
  private count = 0;
  private signed = false;

  constructor(source: ByteSource, wanted: Encoding) {
    this.source = source;
    this.wanted = wanted;
  }

  /** @returns where what follows begins */
  elements(start: number, end: number, delimited: boolean, inside: Inside): number {
    const top = inside.depth === 0;
    for (let at = start; at < end;) {
      if (top && at > start && restIsZeros(this.source, at, end)) return end;
      const header = tolerantHeader(this.source, at, end, inside.encoding, this.signed);
      if (top && this.pixelsSeen && (!header || header.tag <= tagPixels))
        return this.leaveOut(at, end, repairWords.after);
      if (!header) throw new Problem('structure', `The data set cannot be read from offset ${at}`);
      if (++this.count > mostElements) throw new Problem('too-costly', `More than ${mostElements} elements`);
      const { tag } = header;
      if (tag === itemEndTag && delimited) return header.valueAt;
      if (delimited && (tag === itemTag || tag === sequenceEndTag)) return this.close(itemEndTag, at);
      if (tag === itemEndTag || tag === sequenceEndTag) at = this.leaveOut(at, header.valueAt, repairWords.stray);
      else at = this.element(header, at, end, inside);
      this.pixelsSeen ||= top && tag === tagPixels;
      this.describesImage ||= top && tag === '00280010';
    }
    return delimited ? this.close(itemEndTag, end) : end;
  }

  private element(header: TolerantHeader, at: number, end: number, inside: Inside): number {
    const { tag, vr, length, valueAt, present } = header;
    if (/^000[0-7]/.test(tag)) {
      if (length === undefinedLength) throw new Problem('structure', `Element ${tag} must have a length`);
      return this.leaveOut(at, valueAt + present, repairWords.group);
    }
    if (length === undefinedLength && inside.depth === 0 && tag === tagPixels && vr !== 'SQ')
      return this.fragments(header, at, end, inside);
    if (vr === 'SQ' || length === undefinedLength) {
      // UN of undefined length is a sequence in Implicit VR Little Endian (PS3.5 6.2.2, note 2).
      const encoding =
        vr === 'UN' && inside.encoding.explicit ? { explicit: false, littleEndian: true } : inside.encoding;
      if (inside.depth >= deepest) throw new Problem('structure', `Sequences are nested more than ${deepest} deep`);
      return this.sequence(header, at, end, { depth: inside.depth, encoding }, inside.encoding);
    }
    this.note(header);
    const odd = length % 2 === 1;
    const missing = length - present + (odd ? 1 : 0);
    if (missing > 0) {
      this.repairs.add(repairWords.odd);
      this.insert(valueAt + present, Uint8Array.of(padding(vr)));
    }
    if (odd || header.wrong || inside.encoding.explicit !== this.wanted.explicit)
      this.rewrite(at, valueAt, tag, vr, length + (odd ? 1 : 0));
    if (header.wrong && length === present) this.repairs.add(repairWords.form);
    return valueAt + present;
  }

  private sequence(header: TolerantHeader, start: number, end: number, inside: Inside, around: Encoding): number {
    const { tag, length, valueAt } = header;
    const delimited = length === undefinedLength;
    const changes = this.edits.length;
    if (!delimited && valueAt + length > end) this.mustNotBeCut(end);
    const stop = delimited ? end : Math.min(end, valueAt + length);
    let at = valueAt;
    let closed = !delimited;
    while (at < stop) {
      const item = tolerantHeader(this.source, at, stop, inside.encoding, false);
      if (item?.tag === sequenceEndTag) {
        if (!delimited) this.leaveOut(at, item.valueAt, repairWords.stray);
        at = item.valueAt;
        closed = true;
        if (delimited) break;
      } else if (item?.tag === itemTag) at = this.item(item, at, stop, inside);
      else if (item?.tag === itemEndTag) at = this.leaveOut(at, item.valueAt, repairWords.stray);
      else if (delimited && item && item.tag > tag) break;
      else throw new Problem('structure', `Sequence ${tag} holds something that is no item`);
    }
    if (!closed) this.close(sequenceEndTag, at);
    const isChanged = this.edits.length > changes || (!delimited && valueAt + length > end);
    const isMixed = around.explicit !== this.wanted.explicit || header.wrong || inside.encoding.explicit !== this.wanted.explicit; // prettier-ignore
    if (isChanged || isMixed) {
      if (!delimited) this.insert(at, headerBytes(sequenceEndTag, '', 0, this.wanted));
      this.rewrite(start, valueAt, tag, 'SQ', undefinedLength);
      if (header.wrong) this.repairs.add(repairWords.form);
    }
    return at;
  }

  private item(item: TolerantHeader, start: number, end: number, inside: Inside): number {
    const open = item.length === undefinedLength;
    const stop = open ? end : Math.min(end, item.valueAt + item.length);
    const changes = this.edits.length;
    const encoding = this.encodingOf(item.valueAt, stop, inside.encoding);
    if (encoding.explicit !== inside.encoding.explicit) this.repairs.add(repairWords.form);
    const next = this.elements(item.valueAt, stop, open, { depth: inside.depth + 1, encoding });
    const isCut = !open && item.valueAt + item.length > end;
    if (isCut) this.mustNotBeCut(end);
    if (!open && (isCut || this.edits.length > changes)) {
      this.insert(next, headerBytes(itemEndTag, '', 0, this.wanted));
      this.edits.push({ at: start, length: 8, bytes: headerBytes(itemTag, '', undefinedLength, this.wanted) });
    }
    return next;
  }

  /** Fragments are never changed; only their end may be missing, with zeros in its place or nothing (PS3.5 A.4). */
  private fragments(header: TolerantHeader, start: number, end: number, inside: Inside): number {
    const items: [offset: number, length: number][] = [];
    let at = header.valueAt;
    while (at < end) {
      const item = tolerantHeader(this.source, at, end, inside.encoding, false);
      if (item?.tag !== itemTag) break;
      if (item.length === undefinedLength || item.valueAt + item.length > end)
        throw new Problem('structure', 'A fragment of pixel data is cut off: some of the picture is missing');
      items.push([item.valueAt, item.length]);
      if (items.length > mostElements) throw new Problem('too-costly', `More than ${mostElements} fragments`);
      at = item.valueAt + item.length;
    }
    const [, first] = items;
    if (!first) throw new Problem('structure', 'Pixel data holds no fragment');
    this.firstFragment = { offset: first[0], length: first[1] };
    if (header.wrong || inside.encoding.explicit !== this.wanted.explicit || header.vr === 'UN')
      this.rewrite(start, header.valueAt, header.tag, 'OB', undefinedLength);
    if (end - at >= 8 && tolerantHeader(this.source, at, end, inside.encoding, false)?.tag === sequenceEndTag)
      return at + 8;
    if (!restIsZeros(this.source, at, end))
      throw new Problem('structure', 'Pixel data holds something that is no fragment');
    if (!this.isWhole(first, items.at(-1)!))
      throw new Problem('structure', 'Pixel data is cut off before the end of its last picture');
    this.repairs.add(repairWords.delimiter);
    this.edits.push({ at, length: end - at, bytes: headerBytes(sequenceEndTag, '', 0, this.wanted) });
    return end;
  }

  /** Streams of JPEG and its kin say where they end; of others the number of frames tells (`repairedFile`). */
  private isWhole([first, length]: [number, number], [last, size]: [number, number]): boolean {
    const start = length < 2 ? [] : [...this.source.bytes(first, 2)];
    if (start[0] !== 0xff || (start[1] !== 0xd8 && start[1] !== 0x4f)) return true;
    const tail = Buffer.from(this.source.bytes(last + Math.max(0, size - 4), Math.min(4, size)));
    return tail.includes(Buffer.from([0xff, 0xd9]));
  }

  /** Items of private sequences are sometimes implicit in an explicit file, and the other way round. */
  private encodingOf(at: number, end: number, around: Encoding): Encoding {
    if (end - at < 8 || !around.littleEndian) return around;
    const bytes = this.source.bytes(at, 8);
    if (tagAt(new DataView(bytes.buffer, bytes.byteOffset, 8), 0, true).startsWith('FFFE')) return around;
    return { explicit: looksExplicit(bytes), littleEndian: true };
  }

  private note({ tag, valueAt, length, present }: TolerantHeader): void {
    if (tag === '00280103' && present >= 2) this.signed = this.source.bytes(valueAt, 2)[0] === 1;
    if ((tag !== '00080016' && tag !== '00080018') || length > 66 || this.uids.has(tag)) return;
    const text = Buffer.from(this.source.bytes(valueAt, present)).toString('latin1');
    this.uids.set(tag, trimEnd(text, '\0 '));
  }

  /** A length that leads out of the file is that of something which is missing. */
  private mustNotBeCut(end: number): void {
    if (end >= this.source.size) throw new Problem('structure', 'The file is cut off inside of a sequence');
    this.repairs.add(repairWords.length);
  }

  private close(tag: string, at: number): number {
    this.repairs.add(repairWords.delimiter);
    this.endsOpen ||= at >= this.source.size;
    this.insert(at, headerBytes(tag, '', 0, this.wanted));
    return at;
  }

  private leaveOut(at: number, until: number, words: string): number {
    this.repairs.add(words);
    this.edits.push({ at, length: until - at, bytes: new Uint8Array(0) });
    return until;
  }

  private insert(at: number, bytes: Uint8Array): void {
    this.edits.push({ at, length: 0, bytes });
  }

  private rewrite(at: number, valueAt: number, tag: string, vr: string, length: number): void {
    const { explicit, littleEndian } = this.wanted;
    const bytes = explicit && littleEndian ? elementHeader(tag, vr, length) : headerBytes(tag, fitting(vr, length), length, this.wanted); // prettier-ignore
    this.edits.push({ at, length: valueAt - at, bytes });
  }
}

/** Two capitals where an explicit header has its VR. */
export function looksExplicit(header: Uint8Array): boolean {
  const capital = (byte: number) => byte >= 0x41 && byte <= 0x5a;
  return capital(header[4]!) && capital(header[5]!);
}

const fitting = (vr: string, length: number): string => (!isLongForm(vr) && length > 0xfffe ? 'UN' : vr);

function padding(vr: string): number {
  return /^(UI|O[BDFLVW]|UN|US|SS|UL|SL|FL|FD|AT|SV|UV)$/.test(vr) ? 0 : 0x20;
}
