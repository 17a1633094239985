/** Coercion of a study's patient, in the statements that read its instances: `i` is the instance, `st` its study. */
import type { Narrowing } from '../../../core/access/narrowing.ts';
import type { StoredCoercion } from '../../../core/studies/coercion.ts';
import type { InstanceAddress, InstanceCoercion } from '../../../core/studies/study-store.ts';
import { Problem } from '../../../core/problem.ts';
import { own } from '../../../core/table.ts';
import type { Sql } from '../connection.ts';

/** What an instance says otherwise; an attribute that has no value on either side is no difference. */
const differing = `jsonb_each(st.coercion -> 'attributes') as wanted (key, value)
  where (coalesce(i.attributes -> wanted.key, '{}') - 'vr') is distinct from (wanted.value - 'vr')`;

/** Null unless the instance says something else than its study's coercion. */
export const coercedColumn = `case when st.coercion is not null then (
    select jsonb_build_object('tags', jsonb_agg(key), 'version', md5(st.coercion::text), 'inflated', i.inflated)
      from ${differing} having count(*) > 0) end as coerced`;

/**
 * The attributes of an instance as they are shown. Text of an index is in UTF-8, whatever the file was.
 * @param originals SQL: whether what they were is said in Original Attributes Sequence (PS3.3 C.12.1.1.9)
 */
export function coercedAttributes(originals: string): string {
  const item = `jsonb_build_object('04000550', jsonb_build_object('vr', 'SQ', 'Value', jsonb_build_array(changed.old)))
                || (st.coercion -> 'original')`;
  return `case when st.coercion is null then i.attributes else (
    select case when changed.new is null then i.attributes else i.attributes || changed.new
        || '{"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}'
        || case when ${originals} then jsonb_build_object('04000561', jsonb_build_object('vr', 'SQ', 'Value',
             coalesce(i.attributes -> '04000561' -> 'Value', '[]') || jsonb_build_array(${item}))) else '{}' end end
      from (select jsonb_object_agg(key, value) as new,
                   jsonb_object_agg(key, coalesce(i.attributes -> key, value - 'Value')) as old
              from ${differing}) as changed) end`;
}

type Row = Omit<InstanceAddress, 'coerced'> & {
  coerced: { tags: string[]; version: string; inflated: string | null } | null;
};

/** Reads again when the study is coerced otherwise meanwhile; somebody who does that all the time is no user. */
const mostAttempts = 5;

/**
 * Addresses with what each of their instances is given out with. The coercion itself is read once for the study, and only where it
 * says something else than the images.
 */
export async function withCoercion(
  sql: Sql,
  narrowing: Narrowing,
  read: () => Promise<Row[]>,
): Promise<InstanceAddress[]> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const rows = await read();
    const said = rows.find(({ coerced }) => coerced !== null);
    if (!said) return rows as InstanceAddress[];
    const [study] = await sql.query<{ coercion: StoredCoercion | null; version: string | null }>(
      `select coercion, md5(coercion::text) as version from study where study_uid = $1`,
      [said.StudyInstanceUID],
    );
    const { coercion, version } = study ?? {};
    if (!coercion || rows.some(({ coerced }) => coerced && coerced.version !== version)) continue;
    const shown = showsOriginals(coercion, narrowing);
    return rows.map((row) => ({ ...row, coerced: row.coerced && coercionOfInstance(coercion, row.coerced, shown) }));
  }
  throw new Problem('transient', 'The study is being changed; try again.', { retryAfter: 1 });
}

/**
 * What stood there names another person where the patient was corrected: it is for those whose right to see is not that of one
 * patient.
 */
function showsOriginals({ reason }: StoredCoercion, narrowing: Narrowing): boolean {
  return reason === 'COERCE' || narrowing.kind === 'all' || narrowing.grants.some(({ patient }) => patient === undefined); // prettier-ignore
}

function coercionOfInstance(
  { attributes, original }: StoredCoercion,
  { tags, version, inflated }: NonNullable<Row['coerced']>,
  shown: boolean,
): InstanceCoercion {
  return {
    attributes: Object.fromEntries(tags.map((tag) => [tag, own(attributes, tag)!])),
    original: shown ? original : undefined,
    version: shown ? version : `${version}-p`,
    inflated,
  };
}
