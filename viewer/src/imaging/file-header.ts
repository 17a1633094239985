/**
 * The attributes of a DICOM file as the file has them (PS3.10): file meta information and private elements included,
 * which WADO-RS metadata leaves out or rewrites. Heavy with the data dictionary, therefore imported when it is asked for.
 */
import dcmjs from 'dcmjs';
import dicomParser from 'dicom-parser';
import type { DataSet, Element } from 'dicom-parser';
import { textDecoder } from './character-sets.ts';
import { valueOf, type HeaderValue } from './header-value.ts';
import { inflated } from './inflated.ts';

export interface HeaderRow {
  /** `(0010,0010)` */
  tag: string;
  /** Undefined for private and unknown elements. */
  keyword: string | undefined;
  /** Undefined where an implicit file does not say it and the dictionary neither. */
  vr: string | undefined;
  /** Bytes; undefined where the file leaves the length open. */
  length: number | undefined;
  value: HeaderValue;
  /** 0 for the data set itself, 1 for items of its sequences, and so on. */
  depth: number;
}

export interface FileHeader {
  rows: HeaderRow[];
  /** There are more rows, or deeper ones, than are given. */
  cut: boolean;
}

/** The bytes are no DICOM file, or one that breaks off or contradicts itself. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile';
}

const mostRows = 500;
const deepest = 4;
/** Deflated Explicit VR Little Endian (PS3.5 A.5): behind the meta information, the file is one deflate stream. */
const deflated = '1.2.840.10008.1.2.1.99';
const pixelData = 'x7fe00010';
/** VRs that PS3.6 leaves open ("US or SS", "OB or OW"), as the dictionary's package spells them. */
const openVrs = new Map([
  ['xs', 'US'],
  ['ox', 'OW'],
  ['lt', 'OW'],
  ['up', 'UL'],
]);

/**
 * Rows in the order of the file, up to the pixels, 500 of them and four levels of sequences at most.
 *
 * @throws UnreadableFile
 */
export async function headerOf(file: Uint8Array<ArrayBuffer>): Promise<FileHeader> {
  try {
    const meta = dicomParser.readPart10Header(file) as DataSet & { position: number };
    const isDeflated = meta.string('x00020010') === deflated;
    // The parser wants the whole at once, and browsers inflate in a stream only: it is done beforehand.
    const dataSet = isDeflated ? await inflated(file.subarray(meta.position)) : file;
    const data = dicomParser.parseDicom(file, {
      untilTag: pixelData,
      vrCallback: knownVr as (tag: string) => string,
      inflater: () => dataSet,
    });
    const header: FileHeader = { rows: [], cut: false };
    addRows(header, meta, Object.values(meta.elements), 0, 'ISO_IR 6');
    // `data` lists the meta information once more, behind its own and by places in another array.
    const own = Object.values(data.elements).filter(({ tag }) => !tag.startsWith('x0002'));
    addRows(header, data, own, 0, 'ISO_IR 6');
    return header;
  } catch (thrown) {
    // The parser throws strings and objects that hold what it had read.
    throw new UnreadableFile('The file cannot be read as DICOM.', { cause: thrown });
  }
}

function addRows(header: FileHeader, data: DataSet, elements: Element[], depth: number, inherited: string): void {
  // PS3.5 7.5.3: an item without a character set has that of the data set around it.
  const characterSet = data.string('x00080005') ?? inherited;
  const decode = textDecoder(characterSet);
  for (const element of elements) {
    if (isDelimiter(element)) continue;
    if (header.rows.length >= mostRows) {
      header.cut = true;
      return;
    }
    header.rows.push(rowOf(data, element, depth, decode));
    for (const [at, item] of (element.items ?? []).entries()) addItem(header, item, at, depth + 1, characterSet);
  }
}

function addItem(header: FileHeader, item: Element, at: number, depth: number, characterSet: string): void {
  if (!item.dataSet) return;
  if (depth > deepest || header.rows.length >= mostRows) {
    header.cut = true;
    return;
  }
  header.rows.push({
    tag: '(FFFE,E000)',
    keyword: `Item ${at + 1}`,
    vr: undefined,
    length: item.hadUndefinedLength ? undefined : item.length,
    value: { kind: 'text', text: '' },
    depth,
  });
  addRows(header, item.dataSet, Object.values(item.dataSet.elements), depth, characterSet);
}

function rowOf(data: DataSet, element: Element, depth: number, decode: (bytes: Uint8Array) => string): HeaderRow {
  const vr = element.vr ?? knownVr(element.tag);
  const open = element.hadUndefinedLength ?? false;
  return {
    tag: tagOf(element),
    keyword: keywordOf(element.tag),
    vr,
    length: open ? undefined : element.length,
    // The pixels are where reading stopped: what follows was not looked at.
    value: element.tag === pixelData ? { kind: 'pixels' } : valueOf(data, element, vr, decode),
    depth,
  };
}

/** An item's or a sequence's end (PS3.5 7.5.2) that the parser lists among the elements. */
function isDelimiter({ tag }: Element): boolean {
  return tag.startsWith('xfffe');
}

function tagOf({ tag }: Element): string {
  const hex = tag.slice(1).toUpperCase();
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

function isPrivate(tag: string): boolean {
  return dicomParser.isPrivateTag(tag);
}

interface DictionaryEntry {
  vr: string;
  name: string;
}

/** By `(gggg,eeee)`, repeating groups (PS3.5 7.6) too: the dictionary makes its entries when they are asked for. */
const inDictionary = (name: string): DictionaryEntry | undefined =>
  Reflect.get(dcmjs.data.DicomMetaDictionary.dictionary, name) as DictionaryEntry | undefined;

function entryOf(tag: string) {
  if (isPrivate(tag)) return undefined;
  const hex = tag.slice(1).toUpperCase();
  return inDictionary(`(${hex.slice(0, 4)},${hex.slice(4)})`);
}

function keywordOf(tag: string): string | undefined {
  if (isPrivate(tag)) return isPrivateCreator(tag) ? 'PrivateCreator' : undefined;
  return tag.endsWith('0000') ? 'GroupLength' : entryOf(tag)?.name.replace(/^RETIRED_/, '');
}

/** What an implicit file does not say itself. */
function knownVr(tag: string): string | undefined {
  if (tag.endsWith('0000')) return 'UL';
  if (isPrivate(tag)) return isPrivateCreator(tag) ? 'LO' : undefined;
  const vr = entryOf(tag)?.vr;
  const fixed = vr === undefined ? undefined : (openVrs.get(vr) ?? vr);
  return fixed !== undefined && /^[A-Z]{2}$/.test(fixed) ? fixed : undefined;
}

/** PS3.5 7.8.1: elements 0010 to 00FF of an odd group reserve blocks. */
function isPrivateCreator(tag: string): boolean {
  return isPrivate(tag) && /^00(?!0)/.test(tag.slice(5));
}
