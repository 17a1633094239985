import { attributeByTag, isPrivate } from './dictionary.ts';
import type { DicomElement, DicomJson, DicomValue, PersonName } from './json.ts';
import { own } from '../table.ts';

const namespace = 'http://dicom.nema.org/PS3.19/models/NativeDICOM';

/** The Native DICOM Model (PS3.19 A.1) of a data set in DICOM JSON. */
export function nativeXml(attributes: DicomJson): string {
  return [...nativeXmlPieces(attributes)].join('');
}

/** The same in small pieces: the text of a slide's header is tens of megabytes. */
export function* nativeXmlPieces(attributes: DicomJson): Generator<string> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="${namespace}" xml:space="preserve">`;
  yield* dataSet(attributes);
  yield '</NativeDicomModel>';
}

function* dataSet(attributes: DicomJson): Generator<string> {
  for (const tag of Object.keys(attributes).sort())
    yield* attribute(tag, own(attributes, tag)!, creatorOf(tag, attributes));
}

/** Private elements are named within the block that their creator reserved (PS3.5 7.8.1). */
function creatorOf(tag: string, attributes: DicomJson): string | undefined {
  if (!isPrivate(tag) || tag.startsWith('00', 4)) return undefined;
  const creator = own(attributes, `${tag.slice(0, 4)}00${tag.slice(4, 6)}`)?.Value?.[0];
  return typeof creator === 'string' ? creator : undefined;
}

function* attribute(tag: string, element: DicomElement, creator: string | undefined): Generator<string> {
  const keyword = attributeByTag(tag)?.keyword;
  const name = `tag="${creator === undefined ? tag : `${tag.slice(0, 4)}00${tag.slice(6)}`}" vr="${element.vr}"`;
  const more = `${keyword ? ` keyword="${keyword}"` : ''}${creator === undefined ? '' : ` privateCreator="${escaped(creator)}"`}`;
  yield `<DicomAttribute ${name}${more}>`;
  if (element.vr === 'SQ') yield* items(element);
  else yield content(element);
  yield '</DicomAttribute>';
}

function* items({ Value: values = [] }: DicomElement): Generator<string> {
  for (const [i, item] of values.entries()) {
    yield `<Item number="${i + 1}">`;
    yield* dataSet((item ?? {}) as DicomJson);
    yield '</Item>';
  }
}

function content({ Value: values, BulkDataURI: uri, InlineBinary: inline }: DicomElement): string {
  if (uri !== undefined) return `<BulkData uri="${escaped(uri)}"/>`;
  if (inline !== undefined) return `<InlineBinary>${inline}</InlineBinary>`;
  return (values ?? []).map((value, i) => valueElement(value, i + 1)).join('');
}

function valueElement(value: DicomValue, number: number): string {
  if (value === null) return `<Value number="${number}"/>`;
  if (typeof value === 'object') return `<PersonName number="${number}">${groups(value as PersonName)}</PersonName>`;
  return `<Value number="${number}">${escaped(String(value))}</Value>`;
}

function groups(name: PersonName): string {
  return (['Alphabetic', 'Ideographic', 'Phonetic'] as const)
    .map((group) => (name[group] === undefined ? '' : `<${group}>${components(name[group])}</${group}>`))
    .join('');
}

function components(group: string): string {
  const names = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'];
  return group
    .split('^')
    .slice(0, names.length)
    .map((part, i) => (part === '' ? '' : `<${names[i]}>${escaped(part)}</${names[i]}>`))
    .join('');
}

/** XML 1.0 has no place for most control characters, not even escaped. */
function escaped(text: string): string {
  return text

    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
