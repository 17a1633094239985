/** Where the attributes of a search lie in the instance index: generated columns for the usual keys, the data set for the rest. */
import type { StudyQuery } from '../../../core/studies/study-store.ts';
import { coercedAttributes } from './coerced.ts';
import { dateRange, likePattern, timeRange, valueCondition, wanted, type MatchOptions } from './matching.ts';
import { isCoercible } from '../../../core/studies/coercion.ts';
import { own } from '../../../core/table.ts';

/** Aliases of the three tables in every statement of the search. */
type Alias = 'st' | 'se' | 'i';

const levels: Record<StudyQuery['level'], readonly Alias[]> = {
  study: ['st'],
  series: ['se', 'st'],
  instance: ['i', 'se', 'st'],
};

const columns: Readonly<Record<string, { table: Alias; column: string }>> = {
  '0020000D': { table: 'st', column: 'study_uid' },
  '00080020': { table: 'st', column: 'study_date' },
  '00080030': { table: 'st', column: 'study_time' },
  '00080050': { table: 'st', column: 'accession_number' },
  '00200010': { table: 'st', column: 'study_id' },
  '00081030': { table: 'st', column: 'study_description' },
  '00080090': { table: 'st', column: 'referring_physician' },
  '00100010': { table: 'st', column: 'patient_name' },
  '00100020': { table: 'st', column: 'dicom_patient_id' },
  '00100021': { table: 'st', column: 'issuer_of_patient_id' },
  '00100030': { table: 'st', column: 'patient_birth_date' },
  '00100040': { table: 'st', column: 'patient_sex' },
  '00201206': { table: 'st', column: 'number_of_series' },
  '00201208': { table: 'st', column: 'number_of_instances' },
  '0020000E': { table: 'se', column: 'series_uid' },
  '00080060': { table: 'se', column: 'modality' },
  '00200011': { table: 'se', column: 'series_number' },
  '0008103E': { table: 'se', column: 'series_description' },
  '00400244': { table: 'se', column: 'start_date' },
  '00400245': { table: 'se', column: 'start_time' },
  '00201209': { table: 'se', column: 'number_of_instances' },
  '00080018': { table: 'i', column: 'sop_uid' },
  '00080016': { table: 'i', column: 'sop_class_uid' },
  '00200013': { table: 'i', column: 'instance_number' },
  '00280008': { table: 'i', column: 'number_of_frames' },
  '00280010': { table: 'i', column: 'rows' },
  '00280011': { table: 'i', column: 'columns' },
  '00280100': { table: 'i', column: 'bits_allocated' },
};

/** The column of a study's attribute. @throws Error for one without, which the parser lets nobody ask for. */
export function studyColumn(path: string): string {
  const column = own(columns, path);
  if (column?.table !== 'st') throw new Error(`no column of a study: ${path}`);
  return `st.${column.column}`;
}

/** Computed for each study as arrays of distinct values. */
const arrays: Readonly<Record<string, string>> = { '00080061': 'st.modalities', '00080062': 'st.sop_classes' };

/** The same in every answer of this server, so matching them is a constant. */
const constants: Readonly<Record<string, string>> = { '00080056': 'ONLINE' };

/**
 * All matching keys of a query as SQL conditions, joined by AND.
 * @throws Problem `value`, see `valueCondition`
 */
export function keyConditions(query: StudyQuery, options: MatchOptions): string[] {
  const combined = combinedDateTime(query, options);
  const keys = combined ? query.match.filter(({ path }) => path !== '00080020' && path !== '00080030') : query.match;
  return [
    ...(combined ? [combined] : []),
    ...keys.map((key) => keyCondition(key, query.level, options)).filter((sql) => sql !== 'true'),
  ];
}

function keyCondition(key: StudyQuery['match'][number], level: StudyQuery['level'], options: MatchOptions): string {
  const want = wanted(key, options);
  if (want === 'anything') return 'true';
  const constant = own(constants, key.path);
  if (constant !== undefined) return String(want === 'a-value' && key.value === constant);
  const array = own(arrays, key.path);
  if (array) return want === 'nothing-there' ? `${array} = '{}'` : arrayCondition(array, key, options);
  const place = own(columns, key.path);
  if (!place) return dataSetCondition(key, level, options, want === 'nothing-there');
  const subject = `${place.table}.${place.column}`;
  const condition =
    want === 'nothing-there' ? emptyColumn(key, subject) : valueCondition(subject, key.vr, key.value, options);
  return levels[level].includes(place.table) ? condition : below(place.table, level, condition);
}

/** A name of three empty groups is empty too. */
function emptyColumn({ vr }: { vr: string }, subject: string): string {
  return vr === 'PN' ? `coalesce(${subject}, '==') = '=='` : `${subject} is null`;
}

/** Attributes of a lower level match where one of the study's series or instances does (relational query, PS3.4 C.4.1.2.2.2). */
function below(table: Alias, level: StudyQuery['level'], condition: string): string {
  if (table === 'se') return `exists (select from series se where se.study_uid = st.study_uid and ${condition})`;
  const sameSeries = level === 'series' ? 'and i.series_uid = se.series_uid ' : '';
  return `exists (select from instance i where i.study_uid = st.study_uid ${sameSeries}and ${condition})`;
}

function arrayCondition(array: string, key: StudyQuery['match'][number], options: MatchOptions): string {
  const values = key.value.split(/[,\\]/).map((value) => value.trim()).filter((value) => value !== ''); // prettier-ignore
  if (!values.some((value) => /[*?]/.test(value))) return `${array} && ${options.bound.add(values)}::text[]`;
  const patterns = options.bound.add(values.map(likePattern));
  return `exists (select from unnest(${array}) as member where member like any(${patterns}::text[]))`;
}

/**
 * An attribute without a column, looked for in the data set of the level and of those above. Any value of a
 * multi-valued attribute, any item of a sequence may match.
 */
function dataSetCondition(
  key: StudyQuery['match'][number],
  level: StudyQuery['level'],
  options: MatchOptions,
  empty: boolean,
): string {
  const tags = key.path.split('.');
  const path = options.bound.add(`$.${tags.map((tag) => `"${tag}".Value[*]`).join('.')}`);
  const alternatives = levels[level].map((alias) => {
    const attributes = alias === 'i' && isCoercible(tags[0]!) ? coercedAttributes('false') : `${alias}.attributes`;
    const values = `jsonb_path_query(${attributes}, ${path}::jsonpath) as found(value)`;
    if (empty) return `exists (select from ${values} where found.value <> 'null'::jsonb)`;
    return `exists (select from ${values} where ${valueCondition(comparable(key.vr), key.vr, key.value, options)})`;
  });
  return empty ? `not (${alternatives.join(' or ')})` : `(${alternatives.join(' or ')})`;
}

/** A value of the data set in the form that `valueCondition` takes. */
export function comparable(vr: string): string {
  const text = `found.value #>> '{}'`;
  if (vr === 'DA') return `replace(${text}, '.', '')`;
  if (vr === 'TM') return `rpad(translate(${text}, ':.', ''), 12, '0')`;
  if (vr === 'PN')
    return ['Alphabetic', 'Ideographic', 'Phonetic'].map((group) => `rtrim(fold(coalesce(found.value ->> '${group}', '')), '^ ')`).join(` || '=' || `); // prettier-ignore
  return `(${text})`;
}

/** Ranges of Study Date and Study Time that come together are one range of moments (PS3.4 C.2.2.2.5). */
function combinedDateTime({ match }: StudyQuery, options: MatchOptions): string | undefined {
  const date = match.find(({ path }) => path === '00080020')?.value ?? '';
  const time = match.find(({ path }) => path === '00080030')?.value ?? '';
  if (
    !date.includes('-') ||
    !time.includes('-') ||
    match.filter(({ path }) => path === '00080020' || path === '00080030').length > 2
  )
    return undefined;
  const [firstDay, lastDay] = dateRange(date);
  const [firstTime, lastTime] = timeRange(time);
  const ends: string[] = [];
  // The day alone comes first, because it can use an index.
  if (firstDay)
    ends.push(
      `st.study_date >= ${options.bound.add(firstDay)}`,
      `st.study_date || coalesce(st.study_time, '') >= ${options.bound.add(firstDay + (firstTime ?? ''))}`,
    );
  if (lastDay)
    ends.push(
      `st.study_date <= ${options.bound.add(lastDay)}`,
      `st.study_date || coalesce(st.study_time, '') <= ${options.bound.add(lastDay + (lastTime ?? '235959999999'))}`,
    );
  return `(${ends.join(' and ')})`;
}
