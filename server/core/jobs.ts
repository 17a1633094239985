export interface Job {
  kind:
    'analyze' | 'shadow' | 'complete-study' | 'issue-report' | 'send-report' | 'send-withdrawal' | 'send-mail' | 'push';
  /** Only one job of this kind and key waits or runs at a time; asking again changes nothing. */
  key: string;
  /** Ids only, no health data. */
  data: Record<string, string | number | boolean>;
  /** Higher first; STAT is 10. */
  priority?: number;
  /** Seconds from the database's now until it may run. */
  afterSeconds?: number;
}

/** Work of which no job waits or runs. */
export interface LackingJob {
  key: string;
  /** How its last job ended, for as long as the queue remembers (a week): `failed` when its last try failed or died. */
  last?: 'completed' | 'failed';
}

export interface JobQueue {
  /** Inside a transaction the job exists only if that commits. */
  enqueue(job: Job): Promise<void>;
  /** Those of the keys for which no job of that kind waits or runs. */
  lacking(kind: Job['kind'], keys: readonly string[]): Promise<LackingJob[]>;
}

/** A job in the hands of a worker. */
export interface TakenJob extends Job {
  /** 1 for the first try. */
  attempt: number;
  /** No further try follows if this one throws. */
  final: boolean;
  /** The request that caused it, or that caused the job that did. */
  requestId: string | undefined;
}
