/** The query part of a QIDO-RS request, made a `StudyQuery` (PS3.18 8.3.4 and 10.6.1). */
import { attributeByAnyCase, attributeByTag, isPrivate, vrOf } from '../dicom/dictionary.ts';
import { isOrderKey, orderKeywords } from './order-keys.ts';
import { inSiteTime } from './query-time-zone.ts';
import type { StudyQuery } from './study-store.ts';
import { Problem } from '../problem.ts';

/** Without a limit of the caller's, so many matches; within one study all of them, because viewers count on that. */
const usual = { anywhere: 1_000, inStudy: 50_000 };
const most = 50_000;
const matchKeysLimit = 64;

const bulkVrs = /^(OB|OD|OF|OL|OV|OW|UN)$/;

/**
 * @param target the level and the UIDs of the path
 * @param parameters decoded name-value pairs
 * @param timeZone of the site, for times that are asked for in another one
 * @returns the query; `capped` when the caller asked for more matches than are given at once
 * @throws Problem `value` for names that are no attribute and values that cannot be matched: a key that is passed over
 * would give everybody's studies instead of one patient's. Only what web clients add for themselves is ignored.
 */
export function parseStudyQuery(
  target: Pick<StudyQuery, 'level' | 'StudyInstanceUID' | 'SeriesInstanceUID'>,
  parameters: Iterable<[name: string, value: string]>,
  timeZone = 'UTC',
): StudyQuery & { capped: boolean } {
  const match: StudyQuery['match'] = [];
  const include: string[] = [];
  const switches = new Map(
    ['fuzzymatching', 'emptyvaluematching', 'multiplevaluematching'].map((name) => [name, false]),
  );
  const switched = (name: string): boolean => switches.get(name) === true;
  let limit: number | undefined;
  let offset = 0;
  let order: StudyQuery['order'];
  for (const [name, value] of parameters) {
    if (value.includes('\0')) throw new Problem('value', 'A parameter contains a NUL character');
    if (name === 'orderby') order = orderKeys(target.level, value);
    else if (name === 'limit') limit = count(name, value);
    else if (name === 'offset') offset = count(name, value);
    else if (name === 'includefield')
      include.push(...value.split(',').map((field) => field.trim()).filter((field) => field !== '')); // prettier-ignore
    else if (switches.has(name)) switches.set(name, truth(name, value));
    else if (!ignored.test(name)) match.push(matchKey(attributePath(name), value));
  }
  if (match.length > matchKeysLimit) throw new Problem('too-costly', 'Too many matching keys');
  return {
    ...target,
    match: inSiteTime(match, timeZone),
    include: include.includes('all') ? 'all' : include.map(attributePath),
    fuzzy: switched('fuzzymatching'),
    emptyValueMatching: switched('emptyvaluematching'),
    multipleValueMatching: switched('multiplevaluematching'),
    limit: Math.min(limit ?? (target.StudyInstanceUID === undefined ? usual.anywhere : usual.inStudy), most),
    offset,
    ...(order && { order }),
    capped: limit !== undefined && limit > most,
  };
}

/** Negotiation by the query (PS3.18 8.3.3), and what client libraries add against caches. */
const ignored = /^(accept|charset|_[A-Za-z]{0,10})$/;

/**
 * Keyword, tag, or a dotted path of these through sequences, as dotted tags.
 * @throws Problem `value` for a name that is no attribute
 */
function attributePath(name: string): string {
  const tags = name.split('.').map(tagOf);
  if (tags.slice(0, -1).some((tag) => vrOf(tag) !== 'SQ' && !isPrivate(tag)))
    throw new Problem('value', `${shown(name)} leads through an attribute that is no sequence`);
  return tags.join('.');
}

function tagOf(name: string): string {
  const attribute = attributeByAnyCase(name);
  if (attribute) return checkedGroup(attribute.tag);
  const tag = name.toUpperCase();
  if (/^[0-9A-F]{8}$/.test(tag) && (isPrivate(tag) || attributeByTag(tag))) return checkedGroup(tag);
  throw new Problem(
    'value',
    `${shown(name)} is not an attribute of DICOM; keywords are words such as PatientName, tags eight digits`,
  );
}

/** Command and file meta elements are no attributes of a data set. */
function checkedGroup(tag: string): string {
  if (Number.parseInt(tag.slice(0, 4), 16) < 8) throw new Problem('value', `${tag} is not an attribute of a data set`);
  return tag;
}

const mostOrderKeys = 4;

/**
 * Our own parameter, because the standard has no order of matches: attributes with commas, `-` before one for the other
 * way round. Of studies only, and by what the index has a column of.
 */
function orderKeys(level: StudyQuery['level'], value: string): NonNullable<StudyQuery['order']> {
  if (level !== 'study') throw new Problem('value', 'orderby is for searches of studies');
  const keys = value.split(',').map((key) => key.trim());
  if (keys.length > mostOrderKeys) throw new Problem('too-costly', `orderby takes ${mostOrderKeys} attributes at most`);
  return keys.map((key) => {
    const path = attributePath(key.replace(/^-/, ''));
    if (!isOrderKey(path))
      throw new Problem('value', `Studies cannot be ordered by ${shown(key)}; by ${orderKeywords.join(', ')}`);
    return { path, descending: key.startsWith('-') };
  });
}

function matchKey(path: string, value: string): StudyQuery['match'][number] {
  const vr = vrOf(path.slice(-8));
  const trimmed = value.trim();
  if (trimmed !== '' && (vr === 'SQ' || bulkVrs.test(vr)) && !isPrivate(path.slice(-8)))
    throw new Problem('value', `Attribute ${path} cannot be matched`);
  return { path, vr, value: trimmed };
}

function count(name: string, value: string): number {
  if (!/^[0-9]{1,9}$/.test(value)) throw new Problem('value', `${name} is not a number of matches`);
  return Number(value);
}

function truth(name: string, value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new Problem('value', `${name} is neither true nor false`);
  return value === 'true';
}

/** Names come from the caller: no more of them in a message than an attribute name may have. */
function shown(name: string): string {
  return name.slice(0, 64);
}
