import type { Sql } from './connection.ts';

/** What a process says of itself. Codes and numbers: no names of machines, no paths, no words of errors. */
export interface ProcessReport {
  /** Made at its start; says nothing about the machine. */
  id: string;
  role: 'all' | 'api' | 'worker' | 'dimse';
  version: string;
  /** Component of `/readyz` -> whether it works. */
  parts: Readonly<Record<string, boolean>>;
  figures: {
    /** Pages that hear of changes; of processes that answer pages. */
    channels?: number;
    /** Resident memory, MiB. */
    memory: number;
    /** Milliseconds by which its clock is ahead of the database's. */
    clockAhead: number;
  };
}

export interface KnownProcess extends ProcessReport {
  startedAt: Date;
  seenAt: Date;
  /** It ended without a word, or hangs. */
  silent: boolean;
}

/** A process that has not been heard of for so long has ended without a word. */
const silentAfter = '60 seconds';
/** Then nobody asks any more what has become of it. */
const forgottenAfter = '1 day';

/** Who runs on this database, each by its own word. */
export interface ProcessStates {
  /** A sign of life; also notes which others have given none for a while. */
  report(process: ProcessReport): Promise<void>;
  /** It ends in order. */
  leave(id: string): Promise<void>;
  all(): Promise<KnownProcess[]>;
}

export function postgresProcessStates(sql: Sql): ProcessStates {
  return {
    async report({ id, role, version, parts, figures }) {
      await sql.query(
        `insert into process_state (id, role, version, parts, figures) values ($1, $2, $3, $4, $5)
         on conflict (id) do update
            set seen_at = now(), silent = false, parts = excluded.parts, figures = excluded.figures`,
        [id, role, version, JSON.stringify(parts), JSON.stringify(figures)],
      );
      await sql.query(
        `update process_state set silent = true where not silent and seen_at < now() - interval '${silentAfter}'`,
      );
      await sql.query(`delete from process_state where seen_at < now() - interval '${forgottenAfter}'`);
    },
    async leave(id) {
      await sql.query(`delete from process_state where id = $1`, [id]);
    },
    all: () =>
      sql.query<KnownProcess>(
        `select id, role, version, parts, figures, started_at as "startedAt", seen_at as "seenAt",
                silent or seen_at < now() - interval '${silentAfter}' as silent
           from process_state order by started_at, id`,
      ),
  };
}
