import type { Delivery, DeliveryStore } from '../../core/deliveries/delivery-store.ts';
import type { Sql } from './connection.ts';

interface DeliveryRow {
  id: string;
  kind: Delivery['kind'];
  recipient: string;
  state: Delivery['state'];
  content: string | null;
  subject_of: string | null;
  account_id: string | null;
  tries: number;
  answer: string | null;
  created_at: Date;
  changed_at: Date;
  next_try: Date | null;
}

/** Deliveries in PostgreSQL; times are the database's. */
export function postgresDeliveries(sql: Sql): DeliveryStore {
  return {
    async insert({ id, kind, recipient, content, subjectOf, accountId }) {
      await sql.query(
        `insert into delivery (id, kind, recipient, state, content, subject_of, account_id)
         values ($1, $2, $3, 'waiting', $4, $5, $6)`,
        [id, kind, recipient, content ?? null, subjectOf ?? null, accountId ?? null],
      );
    },
    async byId(id) {
      const [row] = await sql.query<DeliveryRow>(`select * from delivery where id = $1`, [id]);
      return row && toDelivery(row);
    },
    async tried(id, { state, answer, nextTrySeconds }) {
      await sql.query(
        `update delivery
            set state = $2, answer = $3, tries = tries + 1, changed_at = now(), next_try = now() + make_interval(secs => $4),
                content = case when $2 = 'waiting' then content end
          where id = $1`,
        [id, state, answer ?? null, nextTrySeconds ?? null],
      );
    },
  };
}

function toDelivery(row: DeliveryRow): Delivery {
  const { content, subject_of: subjectOf, account_id: accountId, answer, next_try: nextTry } = row;
  return {
    id: row.id,
    kind: row.kind,
    recipient: row.recipient,
    state: row.state,
    tries: row.tries,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    ...(content !== null && { content }),
    ...(subjectOf !== null && { subjectOf }),
    ...(accountId !== null && { accountId }),
    ...(answer !== null && { answer }),
    ...(nextTry !== null && { nextTry }),
  };
}
