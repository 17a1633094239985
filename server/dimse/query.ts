/** A C-FIND identifier as the search that QIDO-RS asks too, and its matches as identifiers (PS3.4 C.4.1). */
import { attributeByTag, isPrivate, vrOf } from '../core/dicom/dictionary.ts';
import type { DicomElement, DicomJson } from '../core/dicom/json.ts';
import { isUid } from '../core/dicom/uid.ts';
import { textOf } from '../core/dicom/write-data-set.ts';
import { parseStudyQuery } from '../core/studies/parse-study-query.ts';
import type { StudyQuery } from '../core/studies/study-store.ts';
import { own, put } from '../core/table.ts';
import type { Identifier, Level } from './identifier.ts';
import { keyText } from './identifier.ts';

export interface Question {
  level: Level;
  query: StudyQuery;
  /** For the audit trail. */
  text: string;
  /** Keys with a value that were not looked at: more is found than was asked for. */
  passedOver: boolean;
}

/** Matches that are read at once. */
const pageSize = 500;

const searchLevel = { PATIENT: 'study', STUDY: 'study', SERIES: 'series', IMAGE: 'instance' } as const;
const uniqueKeys: Record<Level, readonly string[]> = {
  PATIENT: ['00100020'],
  STUDY: ['0020000D'],
  SERIES: ['0020000D', '0020000E'],
  IMAGE: ['0020000D', '0020000E', '00080018'],
};

/** What is said about the question and its answer, not matched: character set, level, retrieve title, availability, time zone. */
const aboutAnswers = new Set(['00080005', '00080052', '00080054', '00080056', '00080201']);
const bulkVrs = /^(OB|OD|OF|OL|OV|OW|UN)$/;

/** @throws Problem `value` for keys that cannot be matched, `too-costly` for too many. */
export function questionOf({ attributes }: Identifier, level: Level): Question {
  const parameters: [string, string][] = [['limit', String(pageSize)]];
  let passedOver = false;
  let isMultiple = false;
  const single = (tag: string) => {
    const uid = keyText(attributes, tag);
    return level !== 'PATIENT' && isUid(uid) ? uid : undefined;
  };
  const study = level === 'STUDY' ? undefined : single('0020000D');
  const series = level === 'IMAGE' && study !== undefined ? single('0020000E') : undefined;
  const add = (path: string, tag: string, element: DicomElement): void => {
    if (aboutAnswers.has(tag) || tag.endsWith('0000')) return;
    const isKnown = attributeByTag(tag) !== undefined;
    const text = (element.Value ?? []).map((value) => (element.vr === 'SQ' ? '' : textOf(value))).join('\\').trim(); // prettier-ignore
    if (element.vr === 'SQ' && element.Value?.length) {
      if (!isKnown) return;
      parameters.push(['includefield', path]);
      for (const [inner, each] of Object.entries(element.Value[0] as DicomJson)) add(`${path}.${inner}`, inner, each);
      return;
    }
    const isQuestion = (text !== '' && !/^\*+$/.test(text)) || element.InlineBinary !== undefined;
    if (!isKnown || (isQuestion && bulkVrs.test(vrOf(tag)))) {
      passedOver ||= isQuestion;
      if (isPrivate(tag)) parameters.push(['includefield', path]);
      return;
    }
    if (isQuestion) parameters.push([path, text]);
    else if (!path.includes('.')) parameters.push(['includefield', path]);
    isMultiple ||= isQuestion && element.vr !== 'UI' && (element.Value?.length ?? 0) > 1;
  };
  for (const [tag, element] of Object.entries(attributes)) {
    const isInPath = (tag === '0020000D' && study !== undefined) || (tag === '0020000E' && series !== undefined);
    if (!isInPath) add(tag, tag, element);
  }
  for (const tag of uniqueKeys[level]) parameters.push(['includefield', tag]);
  if (level === 'PATIENT') parameters.push(['orderby', 'PatientID'], ['includefield', '00100021']);
  if (isMultiple) parameters.push(['multiplevaluematching', 'true']);
  const target = {
    level: searchLevel[level],
    ...(study !== undefined && { StudyInstanceUID: study }),
    ...(series !== undefined && { SeriesInstanceUID: series }),
  };
  const text = `${level} ${parameters.map(([name, value]) => `${name}=${value}`).join('&')}`;
  return { level, query: { ...parseStudyQuery(target, parameters), limit: pageSize }, text, passedOver };
}

/** What was asked for of a match, and the unique keys of its level; what is not known is there without a value. */
export function answerOf(
  match: DicomJson,
  { attributes }: Identifier,
  { level, query }: Question,
  title: string,
): DicomJson {
  const answer: DicomJson = {};
  const told: DicomJson = {
    ...match,
    '00080052': { vr: 'CS', Value: [level] },
    '00080054': { vr: 'AE', Value: [title] },
    '00080056': own(match, '00080056') ?? { vr: 'CS', Value: ['ONLINE'] },
    ...(query.StudyInstanceUID !== undefined && { '0020000D': { vr: 'UI', Value: [query.StudyInstanceUID] } }),
    ...(query.SeriesInstanceUID !== undefined && { '0020000E': { vr: 'UI', Value: [query.SeriesInstanceUID] } }),
  };
  const asked = Object.keys(attributes).filter((tag) => tag !== '00080005' && !tag.endsWith('0000'));
  for (const tag of new Set([...asked, ...uniqueKeys[level], '00080052', '00080054']))
    put(answer, tag, own(told, tag) ?? { vr: own(attributes, tag)?.vr ?? vrOf(tag) });
  return answer;
}
