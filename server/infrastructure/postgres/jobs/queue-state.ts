import type { Sql } from '../connection.ts';

/** Jobs of one kind. */
export interface QueueState {
  kind: string;
  /** Could be done now. */
  waiting: number;
  /** Are to be done at a later time. */
  later: number;
  active: number;
  /** Came to nothing for good. */
  failed: number;
  /** Seconds for which the oldest one could have been done; 0 if none waits. */
  oldest: number;
}

/** What waits for workers, what they do, and what came to nothing, by kind; nothing of what a job is about. */
export function queueState(sql: Sql): Promise<QueueState[]> {
  return sql.query<QueueState>(
    `select name as kind,
            count(*) filter (where state < 'active' and start_after <= now())::int as waiting,
            count(*) filter (where state < 'active' and start_after > now())::int as later,
            count(*) filter (where state = 'active')::int as active,
            count(*) filter (where state = 'failed')::int as failed,
            coalesce(extract(epoch from now() - min(greatest(created_on, start_after))
              filter (where state < 'active' and start_after <= now())), 0)::float8 as oldest
       from job.job
      where name in ('analyze', 'shadow', 'complete-study', 'issue-report', 'send-report', 'send-withdrawal', 'send-mail')
        and (state < 'completed' or state = 'failed')
      group by name order by name`,
  );
}
