import type { Sql } from './connection.ts';

/** News about one FHIR record version, in an order that loses nothing. */
export interface Change {
  /** Pass the last one back to go on behind it. */
  cursor: string;
  type: string;
  id: string;
  version: number;
  patients: string[];
  at: Date;
}

/**
 * Changes behind `cursor`, oldest first.
 *
 * A sequence alone loses rows: a transaction may take number 7 and commit after number 8 was read. Rows are
 * therefore ordered by transaction id first, and only those of transactions below the oldest one still
 * running (`pg_snapshot_xmin`) are given out: nothing can appear before them any more.
 */
export async function changesAfter(sql: Sql, cursor: string | undefined, limit: number): Promise<Change[]> {
  const [transaction, sequence] = cursor?.split('.') ?? ['0', '0'];
  return sql.query<Change>(
    `select transaction::text || '.' || seq as cursor, type, id, version, patients, at
       from change
      where (transaction, seq) > ($1::text::xid8, $2::bigint)
        and transaction < pg_snapshot_xmin(pg_current_snapshot())
      order by transaction, seq
      limit $3`,
    [transaction, sequence, limit],
  );
}
