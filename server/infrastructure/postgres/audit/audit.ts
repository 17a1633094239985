import { auditRecord, markOf, type MarkKeys } from '../../../core/access/audit-mark.ts';
import type { AuditRow, AuditTrail } from '../../../core/access/audit-trail.ts';
import type { Sql } from '../connection.ts';

/** With what rows are dated and marked. */
export interface AuditStamp {
  keys: MarkKeys;
  /** The database's clock. */
  now(): Date;
}

/** The trail inside a transaction: durable exactly when the access it records is. */
export function postgresAudit(sql: Sql, stamp: AuditStamp): AuditTrail {
  return { append: (row) => insert(sql, stamp, [row]) };
}

/**
 * The trail outside a transaction, for reads. Rows that arrive while an INSERT is under way go out together
 * in the next one, so a hundred parallel frame requests cost a few commits instead of a hundred, and each
 * still waits until its own row is on disk.
 */
export function sharedAudit(sql: Sql, stamp: AuditStamp): AuditTrail {
  const waiting: { row: AuditRow; repeats: string | undefined; done: () => void; fail: (error: unknown) => void }[] =
    [];
  const known = knownAccesses();
  let writing = false;

  async function flush(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 500);
      const durable = !batch.every(({ repeats }) => repeats !== undefined && known.has(repeats));
      try {
        await insert(sql, stamp, batch.map(({ row }) => row), durable); // prettier-ignore
        for (const { done, repeats } of batch) {
          if (durable && repeats !== undefined) known.note(repeats);
          done();
        }
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    writing = false;
  }

  return {
    append: (row, repeats) =>
      new Promise<void>((done, fail) => {
        waiting.push({ row, repeats, done, fail });
        if (!writing) void flush();
      }),
  };
}

const knownForMs = 5 * 60_000;
const mostKnown = 10_000;

/** Of which accesses there is a row on disk; the one noted longest ago is forgotten first. */
function knownAccesses() {
  const until = new Map<string, number>();
  return {
    has: (key: string) => (until.get(key) ?? 0) > performance.now(),
    note(key: string) {
      until.delete(key);
      if (until.size >= mostKnown) until.delete(until.keys().next().value!);
      until.set(key, performance.now() + knownForMs);
    },
  };
}

/** @param durable else its commit waits for no disk: PostgreSQL writes it there within a second, and before whatever waits for the disk after it. */
async function insert(sql: Sql, { keys, now }: AuditStamp, rows: AuditRow[], durable = true): Promise<void> {
  const records = rows.map((row) => {
    const purpose = row.purpose ?? purposeOf(row.principal, row.patients);
    const record = auditRecord({ ...row, ...(purpose && { purpose }) }, now());
    return { ...record, mac: markOf(record, keys) };
  });
  await sql.prepared(
    `insert into audit (at, action, event, outcome, kind, subject, client_id, role, fhir_user, token_id, patients, entities,
                        query, request_id, source_address, reason, purpose, times, mac)
     select at, action, event, outcome, kind, subject, "clientId", role, "fhirUser", "tokenId", patients, entities,
            query, "requestId", "sourceAddress", reason, purpose, times, mac
       from jsonb_to_recordset($1::jsonb) as row(
         at timestamptz, action text, event text, outcome text, kind text, subject text, "clientId" text, role text,
         "fhirUser" text, "tokenId" text, patients text[], entities text[], query text, "requestId" text,
         "sourceAddress" text, reason text, purpose text, times integer, mac text)${durable ? '' : atOnce}`,
    [JSON.stringify(records)],
  );
}

/** For this one transaction; asked once, because nothing in it changes from row to row. */
const atOnce = ` where (select set_config('synchronous_commit', 'off', true)) = 'off'`;

/** What somebody does with a record that was opened in an emergency is told apart for ever. */
function purposeOf(principal: AuditRow['principal'], patients: readonly string[] = []): 'BTG' | undefined {
  return principal?.emergency?.some((id) => patients.includes(id)) ? 'BTG' : undefined;
}
