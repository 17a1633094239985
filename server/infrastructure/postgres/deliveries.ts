import type { Delivery, DeliveryStore } from '../../core/deliveries/delivery-store.ts';
import type { Sql } from './connection.ts';

interface DeliveryRow {
  id: string;
  kind: Delivery['kind'];
  recipient: string;
  fixed: boolean;
  state: Delivery['state'];
  content: string | null;
  subject_of: string | null;
  account_id: string | null;
  tries: number;
  asked: number;
  asked_at: Date | null;
  answer: string | null;
  created_at: Date;
  owed_since: Date;
  changed_at: Date;
  next_try: Date | null;
  in_hand: boolean;
}

/** Whose address it was is judged by the hand that takes it. */
const confirmedMeanwhile = `exists (
  select from account where lower(email) = lower(recipient) and verified_at > changed_at
  union all select from confirmed_address where address = lower(recipient) and confirmed_at > changed_at)`;

const columns = `*, coalesce(taken_until > now(), false) as in_hand`;

/** Deliveries in PostgreSQL; times are the database's. */
export function postgresDeliveries(sql: Sql): DeliveryStore {
  const one = async (text: string, values: unknown[]): Promise<Delivery | undefined> => {
    const [row] = await sql.query<DeliveryRow>(text, values);
    return row && toDelivery(row);
  };
  return {
    async insert({ id, kind, recipient, content, subjectOf, accountId, fixed }) {
      await sql.query(
        `insert into delivery (id, kind, recipient, state, content, subject_of, account_id, fixed)
         values ($1, $2, $3, 'waiting', $4, $5, $6, $7) on conflict (id) do nothing`,
        [id, kind, recipient, content ?? null, subjectOf ?? null, accountId ?? null, fixed ?? false],
      );
    },
    byId: (id) => one(`select ${columns} from delivery where id = $1`, [id]),
    lock: (id) => one(`select ${columns} from delivery where id = $1 for update`, [id]),
    async search({ state, kind, text, subjectOf, offset, limit }) {
      const rows = await sql.query<DeliveryRow & { total: number }>(
        `select ${columns}, count(*) over ()::int as total from delivery ${searched}
          order by created_at desc, id desc offset $5 limit $6`,
        [state ?? null, kind ?? null, text ?? null, subjectOf ?? null, offset, limit],
      );
      const total = rows[0]?.total ?? (offset === 0 ? 0 : await countOf(sql, { state, kind, text, subjectOf }));
      return { found: rows.map(toDelivery), total };
    },
    take: (id, seconds) =>
      one(
        `update delivery set taken_until = now() + make_interval(secs => $2)
          where id = $1 and state = 'waiting' and (taken_until is null or taken_until < now())
          returning ${columns}`,
        [id, seconds],
      ),
    async tried(id, { state, answer, nextTrySeconds, waitsFor, recipient, untried }) {
      await sql.query(
        `update delivery
            set state = $2, answer = coalesce($3, case when $2 = 'waiting' then answer end),
                tries = tries + case when $7 then 0 else 1 end, changed_at = now(), taken_until = null,
                next_try = now() + make_interval(secs => $4), waits_for = $5, recipient = coalesce($6, recipient),
                content = case when $2 = 'waiting' then content end
          where id = $1 and (state = 'waiting' or $2 = 'sent')`,
        [id, state, answer ?? null, nextTrySeconds ?? null, waitsFor ?? null, recipient ?? null, untried ?? false],
      );
    },
    async asked(id) {
      await sql.query(`update delivery set asked = asked + 1, asked_at = now() where id = $1`, [id]);
    },
    async oweAgain(id, { recipient }) {
      await sql.query(
        `update delivery
            set state = 'waiting', next_try = null, waits_for = null, owed_since = now(), changed_at = now(), asked = 0, asked_at = null, told = false,
                recipient = coalesce($2, recipient), fixed = fixed or $2 is not null
          where id = $1`,
        [id, recipient ?? null],
      );
    },
    async told(id) {
      return (
        (await sql.query(`update delivery set told = true where id = $1 and not told returning id`, [id])).length > 0
      );
    },
    async cancelFor(subjectOf) {
      await sql.query(
        `update delivery set state = 'cancelled', changed_at = now(), content = null, next_try = null
          where subject_of = $1 and state = 'waiting'`,
        [subjectOf],
      );
    },
    async due(limit) {
      const rows = await sql.query<{ id: string; kind: Delivery['kind']; subject_of: string | null }>(
        `select id, kind, subject_of from delivery
          where state = 'waiting' and (taken_until is null or taken_until < now())
            and (next_try is null or next_try <= now() or (waits_for = 'address' and ${confirmedMeanwhile}))
          order by next_try nulls first limit $1`,
        [limit],
      );
      return rows.map(({ id, kind, subject_of: subjectOf }) => ({
        id,
        kind,
        ...(subjectOf !== null && { subjectOf }),
      }));
    },
    async relayIsBack() {
      const rows = await sql.query(
        `update delivery set next_try = now() where state = 'waiting' and waits_for = 'relay' and next_try > now() returning id`,
      );
      return rows.length;
    },
    async withoutDelivery(subjects) {
      const rows = await sql.query<{ subject: string }>(
        `select subject from unnest($1::text[]) as wanted (subject)
          where not exists (select from delivery where subject_of = subject)`,
        [subjects],
      );
      return rows.map(({ subject }) => subject);
    },
    async waiting() {
      const [row] = await sql.query<{ count: number }>(
        `select count(*)::int as count from delivery where state = 'waiting'`,
      );
      return row!.count;
    },
    async forget(days) {
      const rows = await sql.query(
        `delete from delivery where state <> 'waiting' and changed_at < now() -
           make_interval(days => case when kind in ('sign-in-code', 'link') then least(30, $1::int) else $1::int end)
         returning id`,
        [days],
      );
      return rows.length;
    },
  };
}

const searched = `
  where ($1::text is null or state = $1) and ($2::text is null or kind = $2)
    and ($3::text is null or strpos(lower(recipient), lower($3)) > 0) and ($4::text is null or subject_of = $4)`;

async function countOf(
  sql: Sql,
  { state, kind, text, subjectOf }: { [Key in 'state' | 'kind' | 'text' | 'subjectOf']: string | undefined },
): Promise<number> {
  const [row] = await sql.query<{ count: number }>(`select count(*)::int as count from delivery ${searched}`, [
    state ?? null,
    kind ?? null,
    text ?? null,
    subjectOf ?? null,
  ]);
  return row!.count;
}

function toDelivery(row: DeliveryRow): Delivery {
  const { content, subject_of: subjectOf, account_id: accountId, answer, next_try: nextTry, asked_at: askedAt } = row;
  return {
    id: row.id,
    kind: row.kind,
    recipient: row.recipient,
    fixed: row.fixed,
    state: row.state,
    tries: row.tries,
    asked: row.asked,
    createdAt: row.created_at,
    owedSince: row.owed_since,
    changedAt: row.changed_at,
    inHand: row.in_hand,
    ...(content !== null && { content }),
    ...(subjectOf !== null && { subjectOf }),
    ...(accountId !== null && { accountId }),
    ...(answer !== null && { answer }),
    ...(nextTry !== null && { nextTry }),
    ...(askedAt !== null && { askedAt }),
  };
}
