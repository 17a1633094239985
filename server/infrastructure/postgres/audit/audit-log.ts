import type {
  AuditCheck,
  AuditFilter,
  AuditPlace,
  AuditSeals,
  NamedAuditRecord,
} from '../../../core/access/audit-log.ts';
import type { AuditBlock } from '../../../core/access/audit-block.ts';
import type { Sql } from '../connection.ts';
import { bindings, type Bindings } from '../records/search-values.ts';
import { auditColumns, type AuditColumns } from './audit-columns.ts';

/** Seals of the trail are made by one at a time. */
const sealLock = 5_017_004;

interface BlockRow extends Omit<AuditBlock, never> {
  number: number;
}

const blockColumns =
  'number, kind, at, low, high, total, entries, seen, horizon, settled, note, previous, digest, signature';

/** The audit trail as it is read and sealed. */
export function postgresAuditLog(sql: Sql): AuditSeals {
  const block = async (where: string): Promise<AuditBlock | undefined> => {
    const [row] = await sql.query<BlockRow>(
      `select ${blockColumns} from audit_block ${where} order by number desc limit 1`,
    );
    return row;
  };
  return {
    list: (filter, page) => list(sql, filter, page),
    async inOrder(after, { limit, upTo = Number.MAX_SAFE_INTEGER, twins = false }) {
      const twin = twins
        ? `a.mac is not null and exists (select from audit b where b.at = a.at and b.mac = a.mac and b.seq < a.seq)`
        : 'false';
      return sql.query<AuditColumns & { twin: boolean }>(
        `select ${auditColumns('a')}, ${twin} as twin from audit a where a.seq > $1 and a.seq <= $2 order by a.seq limit $3`,
        [after, upTo, limit],
      );
    },
    async countAfter(seq) {
      const [row] = await sql.query<{ rows: number }>(`select count(*) as rows from audit where seq > $1`, [seq]);
      return row!.rows;
    },
    async horizon() {
      // Two statements, in this order: see the port.
      const [last] = await sql.query<{ seen: number }>(
        `select case when is_called then last_value else last_value - 1 end as seen from audit_seq`,
      );
      const [now] = await sql.query<{ horizon: string }>(
        `select pg_snapshot_xmax(pg_current_snapshot())::text as horizon`,
      );
      return { seen: last!.seen, horizon: now!.horizon };
    },
    async passed(now) {
      // A day: in a restored back-up the numbers of transactions say nothing, and none runs for so long.
      const [row] = await sql.query<{ seen: number }>(
        `select seen from audit_block
          where seen is not null and (horizon::xid8 <= pg_snapshot_xmin(pg_current_snapshot()) or at < $1::timestamptz - interval '1 day')
          order by number desc limit 1`,
        [now],
      );
      return row?.seen ?? 0;
    },
    async settled() {
      const [row] = await sql.query<{ settled: number }>(
        `select settled from audit_block where seen is not null order by number desc limit 1`,
      );
      return row?.settled ?? 0;
    },
    lastBlock: (which) => block(which === 'signed' ? 'where signature is not null' : ''),
    blockDigests: (numbers) =>
      sql.query(`select number, digest from audit_block where number = any($1::bigint[])`, [numbers]),
    blocksFrom: (number, limit) =>
      sql.query<AuditBlock>(`select ${blockColumns} from audit_block where number >= $1 order by number limit $2`, [
        number,
        limit,
      ]),
    blocksOver: (low, high, limit) =>
      sql.query<AuditBlock>(
        `select ${blockColumns} from audit_block
          where kind = 'rows' and low is not null and int8range(low, high, '[]') && int8range($1, $2, '[]') order by low, number limit $3`,
        [low, high, limit],
      ),
    async lastCheck() {
      const [row] = await sql.query<AuditCheck>(
        `select id, started_at as "startedAt", changed_at as "changedAt", state, checked, total, found, faults, notes
           from audit_check order by started_at desc limit 1`,
      );
      return row;
    },
    async lockSeals() {
      await sql.query(`select pg_advisory_xact_lock($1)`, [sealLock]);
    },
    async addBlock(one) {
      await sql.query(
        `insert into audit_block (${blockColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
        [one.number, one.kind, one.at, one.low, one.high, one.total, one.entries, one.seen, one.horizon, one.settled, one.note, one.previous, one.digest, one.signature],
      ); // prettier-ignore
    },
    async keepCheck({ id, state, checked, total, found, faults, notes }) {
      await sql.query(
        `insert into audit_check (id, state, checked, total, found, faults, notes) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set state = excluded.state, checked = excluded.checked, total = excluded.total,
           found = excluded.found, faults = excluded.faults, notes = excluded.notes, changed_at = now()`,
        [id, state, checked, total, found, JSON.stringify(faults), JSON.stringify(notes)],
      );
    },
  };
}

function list(
  sql: Sql,
  filter: AuditFilter,
  { limit, before }: { limit: number; before?: AuditPlace },
): Promise<NamedAuditRecord[]> {
  const bound = bindings('UTC');
  const where = conditions(filter, bound);
  if (before) where.push(`(a.at, a.seq) < (${bound.add(before.at)}::timestamptz, ${bound.add(before.seq)}::bigint)`);
  return sql.query<NamedAuditRecord>(
    `with page as (
       select a.* from audit a where ${where.length === 0 ? 'true' : where.join(' and ')}
        order by a.at desc, a.seq desc limit ${bound.add(limit)})
     select ${auditColumns('a')}, person.display_name as name, app.metadata ->> 'client_name' as "clientName"
       from page a left join account person on a.kind = 'user' and person.id = a.subject
       left join smart_client app on app.id = a.client_id
      order by a.at desc, a.seq desc`,
    bound.values,
  );
}

function conditions(filter: AuditFilter, bound: Bindings): string[] {
  const { patients, subject, person, clientId, event, outcome, from, to, entity, byOthersThan, hidden } = filter;
  const where: string[] = [];
  if (patients) where.push(`a.patients && ${bound.add(patients)}::text[]`);
  if (subject !== undefined) where.push(`a.subject = ${bound.add(subject)}`);
  if (person !== undefined) where.push(`a.fhir_user = ${bound.add(person)}`);
  if (clientId !== undefined) where.push(`a.client_id = ${bound.add(clientId)}`);
  if (event?.endsWith('*')) where.push(`starts_with(a.event, ${bound.add(event.slice(0, -1))})`);
  else if (event !== undefined) where.push(`a.event = ${bound.add(event)}`);
  if (outcome !== undefined) where.push(`a.outcome = ${bound.add(outcome)}`);
  if (from) where.push(`a.at >= ${bound.add(from)}`);
  if (to) where.push(`a.at < ${bound.add(to)}`);
  if (entity !== undefined) where.push(entitySql('a', entity, bound));
  if (byOthersThan) where.push(`(a.fhir_user is null or a.fhir_user <> all(${bound.add(byOthersThan)}::text[]))`);
  if (hidden === 'system') where.push(`a.kind <> 'system'`);
  return where;
}

/** The thing itself, one of its versions, or what lies below it. */
export function entitySql(row: string, entity: string, bound: Bindings): string {
  const name = bound.add(entity);
  return `exists (select from unnest(${row}.entities) entity where entity = ${name} or starts_with(entity, ${name} || '/'))`;
}
