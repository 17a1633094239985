import type { RelayStore } from '../../core/deliveries/relay-store.ts';
import type { Sql } from './connection.ts';

interface Row {
  failing_since: Date | null;
  answer: string | null;
  took_at: Date | null;
}

/** How the relay is, in one row for all processes; written when that changes, and at each failure. */
export function postgresRelay(sql: Sql): RelayStore {
  return {
    async state() {
      const [row] = await sql.query<Row>(`select failing_since, answer, took_at from relay_state`);
      if (row?.failing_since) return { state: 'failing', answer: row.answer ?? '', since: row.failing_since };
      return { state: row?.took_at ? 'ok' : 'unused' };
    },
    async pause() {
      const [row] = await sql.query<{ seconds: number }>(
        `select extract(epoch from paused_until - now())::float8 as seconds from relay_state where paused_until > now()`,
      );
      return row?.seconds ?? 0;
    },
    async took() {
      // Not at each message: it is one row, and the messages of several workers would wait for each other.
      const [row] = await sql.query<{ ended: boolean }>(
        `with before as (select failing_since from relay_state for update skip locked)
         update relay_state as relay
            set failing_since = null, failures = 0, paused_until = null, told = false, took_at = now()
           from before
          where relay.failing_since is not null or took_at is null or took_at < now() - interval '1 minute'
          returning before.failing_since is not null as ended`,
      );
      return row?.ended ?? false;
    },
    async failed(answer) {
      const [row] = await sql.query<{ failures: number }>(
        `update relay_state
            set failing_since = coalesce(failing_since, now()), failures = failures + 1, answer = $1
          returning failures`,
        [answer],
      );
      return row!.failures;
    },
    async pauseFor(seconds) {
      await sql.query(`update relay_state set paused_until = now() + make_interval(secs => $1)`, [seconds]);
    },
    async mustTell(afterSeconds) {
      const told = await sql.query(
        `update relay_state set told = true, told_at = now()
          where not told and failing_since <= now() - make_interval(secs => $1)
            and (told_at is null or told_at < now() - interval '1 hour')
          returning id`,
        [afterSeconds],
      );
      return told.length > 0;
    },
  };
}
