import type { AuditRow, AuditTrail } from '../../../core/access/audit-trail.ts';
import type { Sql } from '../connection.ts';

/** The trail inside a transaction: durable exactly when the access it records is. */
export function postgresAudit(sql: Sql): AuditTrail {
  return { append: (row) => insert(sql, [row]) };
}

/**
 * The trail outside a transaction, for reads. Rows that arrive while an INSERT is under way go out together
 * in the next one, so a hundred parallel frame requests cost a few commits instead of a hundred, and each
 * still waits until its own row is on disk.
 */
export function sharedAudit(sql: Sql): AuditTrail {
  const waiting: { row: AuditRow; done: () => void; fail: (error: unknown) => void }[] = [];
  let writing = false;

  async function flush(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 500);
      try {
        await insert(sql, batch.map(({ row }) => row)); // prettier-ignore
        for (const { done } of batch) done();
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    writing = false;
  }

  return {
    append: (row) =>
      new Promise<void>((done, fail) => {
        waiting.push({ row, done, fail });
        if (!writing) void flush();
      }),
  };
}

async function insert(sql: Sql, rows: AuditRow[]): Promise<void> {
  const records = rows.map(({ principal, ...row }) => ({
    action: row.action,
    event: row.event,
    outcome: row.outcome,
    kind: principal?.kind,
    subject: principal?.subject,
    client_id: principal?.clientId,
    role: principal?.role,
    fhir_user: principal?.fhirUser,
    token_id: principal?.tokenId,
    patients: row.patients ?? [],
    entities: row.entities ?? [],
    query: row.query === undefined ? undefined : Buffer.from(row.query).toString('base64'),
    purpose: row.purpose ?? purposeOf(principal, row.patients),
    request_id: row.requestId,
    source_address: row.sourceAddress,
  }));
  await sql.prepared(
    `insert into audit (action, event, outcome, kind, subject, client_id, role, fhir_user, token_id, patients, entities,
                        query, purpose, request_id, source_address)
     select action, event, outcome, kind, subject, client_id, role, fhir_user, token_id, patients, entities,
            query, purpose, request_id, source_address
       from jsonb_to_recordset($1::jsonb) as row(
         action text, event text, outcome text, kind text, subject text, client_id text, role text, fhir_user text,
         token_id text, patients text[], entities text[], query text, purpose text,
         request_id text, source_address text)`,
    [JSON.stringify(records)],
  );
}

/** What somebody does with a record that was opened in an emergency is told apart for ever. */
function purposeOf(principal: AuditRow['principal'], patients: readonly string[] = []): 'BTG' | undefined {
  return principal?.emergency?.some((id) => patients.includes(id)) ? 'BTG' : undefined;
}
