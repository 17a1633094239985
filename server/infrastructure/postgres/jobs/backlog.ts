import type { Sql } from '../connection.ts';

export interface JobBacklog {
  kind: string;
  /** `created`, `retry`, `active`, `failed` (pg-boss's words). */
  state: string;
  count: number;
  oldestSeconds: number;
}

/** Jobs that wait, run or failed for good, by kind and state. */
export function jobBacklog(sql: Sql): Promise<JobBacklog[]> {
  return sql.query<JobBacklog>(
    `select name as kind, state::text as state, count(*)::int as count,
            extract(epoch from now() - min(created_on))::float8 as "oldestSeconds"
     from job.job
     where name in ('analyze', 'shadow', 'complete-study', 'issue-report', 'send-report', 'send-withdrawal', 'send-mail') and (state < 'completed' or state = 'failed')
     group by name, state`,
  );
}
