import type { ParsedInstance } from './instance.ts';
import { Problem } from '../problem.ts';
import { trimEnd } from '../trim-end.ts';
import type { ByteSource } from './byte-source.ts';
import { readDataSet } from './data-set.ts';
import { elementHeader, undefinedLength, type Encoding } from './element-header.ts';
import { frameOffsets } from './frame-offsets.ts';
import type { DicomJson } from './json.ts';
import { isNonPatient } from './non-patient-classes.ts';
import { transferSyntax, type TransferSyntax } from './transfer-syntax.ts';
import { isUid } from './uid.ts';
import { own } from '../table.ts';

export interface FileMeta {
  TransferSyntaxUID: string;
  syntax: TransferSyntax;
  /** Where the value of Transfer Syntax UID lies. */
  syntaxAt: { offset: number; length: number };
  /** Where the data set begins. */
  dataSetAt: number;
  /** (0002,0002) and (0002,0003) as they are written; undefined when absent or empty. */
  mediaStorage: { sopClass: string | undefined; sopInstance: string | undefined };
}

const explicitLittle: Encoding = { explicit: true, littleEndian: true };

/** Bytes of preamble and prefix. */
export const preambleLength = 132;

/**
 * @param beginning the first `preambleLength` bytes of a file, or all that it has
 * @throws Problem `structure` without the DICM prefix.
 */
function mustBeginAsPart10(beginning: Uint8Array): void {
  if (beginning.length < preambleLength || latin(beginning.subarray(128, 132)) !== 'DICM')
    throw new Problem('structure', 'Not a DICOM file: no DICM prefix after 128 bytes (PS3.10 7.1)');
}

/**
 * Reads preamble, prefix and file meta information (PS3.10 7.1). A bare data set without them is refused: nothing in it
 * says how it is written, and two guesses can give two identities (`repair/` makes it a file that says what was guessed).
 *
 * @throws Problem `structure` (no Part 10 file), `required` (no transfer syntax), `not-supported` (an unknown one).
 */
export function readFileMeta(source: ByteSource): FileMeta {
  mustBeginAsPart10(source.bytes(0, Math.min(source.size, preambleLength)));
  let syntaxAt: FileMeta['syntaxAt'] | undefined;
  const mediaStorage: FileMeta['mediaStorage'] = { sopClass: undefined, sopInstance: undefined };
  let at = preambleLength;
  while (at < source.size && groupAt(source, at) === 2) {
    const { tag, length, valueAt } = elementHeader(source, at, source.size, explicitLittle, false);
    if (length === undefinedLength) throw new Problem('structure', `Element ${tag} must have a length`);
    if (tag === '00020010') syntaxAt = { offset: valueAt, length };
    else if (tag === '00020002') mediaStorage.sopClass = uidAt(source, valueAt, length);
    else if (tag === '00020003') mediaStorage.sopInstance = uidAt(source, valueAt, length);
    at = valueAt + length;
  }
  if (!syntaxAt || syntaxAt.length === 0 || syntaxAt.length > 66)
    throw new Problem('required', 'The file does not name its transfer syntax (0002,0010)');
  const uid = uidAt(source, syntaxAt.offset, syntaxAt.length) ?? '';
  const syntax = isUid(uid) ? transferSyntax(uid) : undefined;
  if (!syntax)
    throw new Problem('not-supported', 'The transfer syntax of the file (0002,0010) is not one that is stored here');
  return { TransferSyntaxUID: uid, syntax, syntaxAt, dataSetAt: at, mediaStorage };
}

/**
 * Reads an inflated Part 10 file: its identity, attributes, and where bulk values and frames lie. What belongs to no patient has
 * no study and series: their UIDs are empty.
 *
 * @throws Problem as `readFileMeta` and `readDataSet`; `required` and `value` for its UIDs; `invariant` when the file
 * meta information names another instance than the data set (PS3.10 7.1), for readers would then differ on who it is.
 */
export function readInstance(source: ByteSource, meta: FileMeta): ParsedInstance {
  const { TransferSyntaxUID, syntax, dataSetAt, mediaStorage } = meta;
  const dataSet = readDataSet(source, dataSetAt, syntax, syntax.encapsulated);
  const { attributes, bulk } = dataSet;
  const SOPInstanceUID = identity(attributes, '00080018', 'SOP Instance UID');
  const SOPClassUID = identity(attributes, '00080016', 'SOP Class UID');
  mustAgree(mediaStorage.sopInstance, SOPInstanceUID, '(0002,0003) and (0008,0018), the SOP Instance UID,');
  mustAgree(mediaStorage.sopClass, SOPClassUID, '(0002,0002) and (0008,0016), the SOP Class UID,');
  const isOfStudy = !isNonPatient(SOPClassUID);
  return {
    StudyInstanceUID: isOfStudy ? identity(attributes, '0020000D', 'Study Instance UID') : '',
    SeriesInstanceUID: isOfStudy ? identity(attributes, '0020000E', 'Series Instance UID') : '',
    SOPInstanceUID,
    SOPClassUID,
    TransferSyntaxUID,
    attributes,
    bulk,
    frames: frameOffsets(source, dataSet, syntax),
  };
}

/** The message names the attribute, never its value: hostile values belong in no log. */
function identity(attributes: DicomJson, tag: string, name: string): string {
  const { vr, Value: values } = own(attributes, tag) ?? {};
  if (!values) throw new Problem('required', `The data set has no ${name}`);
  const [value] = values;
  if (vr !== 'UI' || values.length !== 1 || typeof value !== 'string' || !isUid(value)) {
    throw new Problem('value', `${name} is not a valid UID (PS3.5 9.1)`);
  }
  return value;
}

function mustAgree(written: string | undefined, identity: string, names: string): void {
  if (written !== undefined && written !== identity)
    throw new Problem('invariant', `${names} differ: the file says two things about itself (PS3.10 7.1)`);
}

/** Some writers pad with spaces instead of NUL, or on both sides. */
function uidAt(source: ByteSource, offset: number, length: number): string | undefined {
  if (length > 1024) return '';
  return trimEnd(latin(source.bytes(offset, length)), '\0 ').trimStart() || undefined;
}

function groupAt(source: ByteSource, at: number): number | undefined {
  if (source.size - at < 8) return undefined;
  const [low, high] = source.bytes(at, 2);
  return low! + high! * 256;
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
