import type { NonPatientKind } from '../../../core/dicom/non-patient-classes.ts';
import type { NonPatientRow, NonPatientStore } from '../../../core/studies/non-patient-store.ts';
import type { Sql } from '../connection.ts';
import { bindings } from '../records/search-values.ts';
import { comparable } from './keys.ts';
import { valueCondition, wanted } from './matching.ts';

/** Bytes of a value that a match may have. */
const longestValue = 32_768;

export function postgresNonPatient(sql: Sql): NonPatientStore {
  return {
    async insert(row) {
      const inserted = await sql.query(
        `insert into non_patient_instance (sop_uid, kind, sop_class_uid, transfer_syntax_uid, blob, size, attributes, bulk)
         values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb) on conflict do nothing returning 1`,
        [row.SOPInstanceUID, row.kind, row.SOPClassUID, row.TransferSyntaxUID, row.blob, row.size, row.attributes, row.bulk],
      ); // prettier-ignore
      const [standing] = await sql.query<{ blob: string }>(`select blob from non_patient_instance where sop_uid = $1`, [row.SOPInstanceUID]); // prettier-ignore
      return { blob: standing!.blob, inserted: inserted.length > 0 };
    },

    async one(kind, uid) {
      const [row] = await sql.query<NonPatientRow>(
        `select kind, sop_uid as "SOPInstanceUID", sop_class_uid as "SOPClassUID", transfer_syntax_uid as "TransferSyntaxUID",
                blob, size, attributes::text, bulk::text
           from non_patient_instance where kind = $1 and sop_uid = $2`,
        [kind, uid],
      );
      return row;
    },

    async find(kind, query) {
      const bound = bindings('UTC');
      const condition = conditionOf(kind, query, { ...query, bound });
      const short = `(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(n.attributes)
                       where pg_column_size(value) <= ${longestValue})`;
      const [count] = await sql.query<{ total: number }>(`select count(*)::int as total from non_patient_instance n where ${condition}`, bound.values); // prettier-ignore
      const page = `limit ${bound.add(query.limit)} offset ${bound.add(query.offset)}`;
      const rows = await sql.query<{ attributes: string }>(
        `select ${short}::text as attributes from non_patient_instance n where ${condition} order by n.stored_at desc, n.sop_uid ${page}`,
        bound.values,
      );
      return { attributes: rows.map(({ attributes }) => attributes), total: count?.total ?? 0 };
    },
  };
}

function conditionOf(
  kind: NonPatientKind,
  { match }: Parameters<NonPatientStore['find']>[1],
  options: Parameters<typeof valueCondition>[3],
): string {
  const { bound } = options;
  const keys = match.map((key) => {
    const want = wanted(key, options);
    if (want === 'anything') return 'true';
    const path = bound.add(`$.${key.path.split('.').map((tag) => `"${tag}".Value[*]`).join('.')}`); // prettier-ignore
    const values = `jsonb_path_query(n.attributes, ${path}::jsonpath) as found(value)`;
    if (want === 'nothing-there') return `not exists (select from ${values} where found.value <> 'null'::jsonb)`;
    return `exists (select from ${values} where ${valueCondition(comparable(key.vr), key.vr, key.value, options)})`;
  });
  return [`n.kind = ${bound.add(kind)}`, ...keys].join(' and ');
}
