import { auditRecord, markOf, type MarkKeys } from '../../../core/access/audit-mark.ts';
import type { AuditRow, AuditTrail } from '../../../core/access/audit-trail.ts';
import type { Sql } from '../connection.ts';

/** With what rows are dated and marked. */
export interface AuditStamp {
  keys: MarkKeys;
  /** The database's clock. */
  now(): Date;
}

export interface TransactionAudit extends AuditTrail {
  /** To be called before the commit. */
  flush(): Promise<void>;
}

/** The trail inside a transaction: durable exactly when the access it records is. Its rows go out together, as the last of all. */
export function transactionAudit(sql: Sql, stamp: AuditStamp): TransactionAudit {
  const rows: AuditRecord[] = [];
  return {
    append(row) {
      rows.push(recordOf(row, stamp));
      return Promise.resolve();
    },
    async flush() {
      for (let at = 0; at < rows.length; at += mostTogether) await insert(sql, rows.slice(at, at + mostTogether));
    },
  };
}

const mostTogether = 500;

/** Rows that nobody waits for. */
const mostUnawaited = 2_000;
const gatheredForMs = 50;
const triedAgainAfterMs = 1_000;

export interface SharedAudit extends AuditTrail {
  /** Resolves when all rows are in the table; to be called before the pool ends. @throws what the database says. */
  flush(): Promise<void>;
}

interface Waiting {
  record: AuditRecord;
  repeats?: string | undefined;
  /** Of who waits for it. */
  done?: () => void;
  fail?: (error: unknown) => void;
}

/**
 * The trail outside a transaction, for reads. Rows that arrive while an INSERT is under way go out together
 * in the next one, so a hundred parallel requests cost a few commits instead of a hundred, and each
 * still waits until its own row is on disk; those that repeat what is on disk are gathered for a moment, and nobody waits.
 */
export function sharedAudit(sql: Sql, stamp: AuditStamp): SharedAudit {
  let waiting: Waiting[] = [];
  const known = knownAccesses();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Ends in the moment in which nothing waits: who comes then begins the next. */
  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0) await writeBatch(waiting.splice(0, mostTogether));
    } finally {
      writing = undefined;
      if (waiting.length > 0) later(triedAgainAfterMs);
    }
  }

  async function writeBatch(batch: Waiting[]): Promise<void> {
    const durable = batch.some(({ done }) => done !== undefined);
    try {
      await insert(sql, batch.map(({ record }) => record), durable); // prettier-ignore
      for (const { done, repeats } of batch) {
        if (repeats !== undefined) known.note(repeats);
        done?.();
      }
    } catch (error) {
      for (const { fail } of batch) fail?.(error);
      // What was given out stays owed to the trail.
      const owed = batch.filter(({ fail }) => !fail);
      if (owed.length === 0) return;
      waiting = [...owed, ...waiting];
      throw error;
    }
  }

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (!writing && waiting.length > 0) writing = writeAll();
    return writing ?? Promise.resolve();
  }
  const begin = () => void write().catch(() => undefined); // each row says so to who waits for it, or is tried again
  const later = (ms: number) => {
    timer ??= setTimeout(begin, ms).unref();
  };

  return {
    append(row, repeats) {
      const record = recordOf(row, stamp);
      if (repeats !== undefined && known.has(repeats) && waiting.length < mostUnawaited) {
        waiting.push({ record });
        later(gatheredForMs);
        return Promise.resolve();
      }
      return new Promise<void>((done, fail) => {
        waiting.push({ record, repeats, done, fail });
        begin();
      });
    },
    async flush() {
      while (waiting.length > 0 || writing) await write();
    },
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

type AuditRecord = ReturnType<typeof auditRecord> & { mac: string };

function recordOf(row: AuditRow, { keys, now }: AuditStamp): AuditRecord {
  const purpose = row.purpose ?? purposeOf(row.principal, row.patients);
  const record = auditRecord({ ...row, ...(purpose && { purpose }) }, now());
  return { ...record, mac: markOf(record, keys) };
}

/** @param durable else its commit waits for no disk: PostgreSQL writes it there within a second, and before whatever waits for the disk after it. */
async function insert(sql: Sql, records: AuditRecord[], durable = true): Promise<void> {
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
