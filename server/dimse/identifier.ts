/** Identifiers of query and retrieve: small data sets of keys (PS3.4 C.4.1.1.3, PS3.7 9.1.2.1). */
import { memorySource } from '../core/dicom/byte-source.ts';
import { readDataSet } from '../core/dicom/data-set.ts';
import { elementHeader, undefinedLength } from '../core/dicom/element-header.ts';
import { inUtf8, textEncoding } from '../core/dicom/encode-text.ts';
import type { DicomJson } from '../core/dicom/json.ts';
import { transferSyntax } from '../core/dicom/transfer-syntax.ts';
import { dataSetBytes, textOf } from '../core/dicom/write-data-set.ts';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';

/** Longer ones are no questions: 10,000 UIDs are 640 KB. */
export const longestIdentifier = 1 << 20;

export interface Identifier {
  attributes: DicomJson;
  /** The character set that it is written in, and that its answers are wanted in. */
  characterSet: string[];
}

/** @throws Problem `structure`, `too-costly` for what cannot be read. */
export function readIdentifier(bytes: Buffer, syntax: string): Identifier {
  const encoding = encodingOf(syntax);
  const source = memorySource(bytes);
  const { attributes } = readDataSet(source, 0, encoding, false);
  return { attributes, characterSet: characterSetOf(bytes, encoding) };
}

/** The reader gives Unicode and no longer says what it was. */
function characterSetOf(bytes: Buffer, encoding: ReturnType<typeof encodingOf>): string[] {
  const source = memorySource(bytes);
  for (let at = 0; at < bytes.length;) {
    const { tag, length, valueAt } = elementHeader(source, at, bytes.length, encoding, false);
    if (tag > '00080005' || length === undefinedLength) break;
    if (tag === '00080005') return bytes.toString('latin1', valueAt, valueAt + length).split('\\');
    at = valueAt + length;
  }
  return [];
}

/**
 * In the character set that was asked for if it has all letters, else in UTF-8. Where all of it is ASCII and nothing was asked for, no
 * character set is named: there are receivers that know none.
 */
export function writeIdentifier(attributes: DicomJson, syntax: string, characterSet: readonly string[]): Uint8Array {
  const encoding = encodingOf(syntax);
  const wanted = characterSet.map((term) => term.trim()).filter((term) => term !== '');
  const named = (terms: readonly string[]): DicomJson =>
    terms.length === 0 ? attributes : { ...attributes, '00080005': { vr: 'CS', Value: [...terms] } };
  const asAsked = dataSetBytes(named(wanted), encoding, textEncoding(wanted));
  return asAsked ?? dataSetBytes(named(['ISO_IR 192']), encoding, inUtf8)!;
}

function encodingOf(syntax: string): { explicit: boolean; littleEndian: boolean } {
  const { explicit, littleEndian } = transferSyntax(syntax)!;
  return { explicit, littleEndian };
}

/** All values of a key as one text, as they stand in the data set. */
export function keyText(attributes: DicomJson, tag: string): string {
  const values = own(attributes, tag)?.Value ?? [];
  return values.map((value) => textOf(value)).join('\\').trim(); // prettier-ignore
}

export function uidsOf(attributes: DicomJson, tag: string): string[] {
  return keyText(attributes, tag).split('\\').filter((uid) => uid !== ''); // prettier-ignore
}

export type Level = 'PATIENT' | 'STUDY' | 'SERIES' | 'IMAGE';
const levels: readonly Level[] = ['PATIENT', 'STUDY', 'SERIES', 'IMAGE'];

/** Query/Retrieve Level (0008,0052). @throws Problem `value` for none, and for one that the model has not (PS3.4 C.6.2.1). */
export function levelOf({ attributes }: Identifier, root: 'patient' | 'study'): Level {
  const level = levels.find((one) => one === keyText(attributes, '00080052'));
  if (!level || (root === 'study' && level === 'PATIENT'))
    throw new Problem('value', 'Query/Retrieve Level (0008,0052) is not one of the model');
  return level;
}
