import { availableParallelism } from 'node:os';
import type { Resource } from '@medplum/fhirtypes';
import type { RecordChecker } from '../../core/records/record-checker.ts';
import { Problem } from '../../core/problem.ts';
import { indexRowsOf, type Site } from '../../core/search/index-extraction.ts';
import { issuesWith } from '../../core/validation/validate-profile.ts';
import type { RecordAnswer, RecordTask } from './record-worker.ts';
import { WorkerPool } from './worker-pool.ts';

/**
 * Characters of JSON up to which a record is checked where it is. Nearly all are shorter; a rule costs some 20
 * microseconds, and no type has more of them than this many characters take milliseconds.
 */
const shortRecord = 4096;

/**
 * The record port on worker threads; they start when first needed and do not keep the process alive.
 *
 * @param site what references and dates without a zone are read against
 */
export function recordChecker(
  site: Site,
  options: { threads?: number; timeoutMs?: number } = {},
): RecordChecker & { close(): Promise<void> } {
  const pool = new WorkerPool<RecordTask, RecordAnswer>(new URL('./record-worker.ts', import.meta.url), {
    threads: options.threads ?? Math.min(4, Math.max(1, availableParallelism() - 1)),
    waiting: 256,
    timeoutMs: options.timeoutMs ?? 30_000,
    heapMb: 512,
    subject: 'record',
  });

  async function perform(task: RecordTask): Promise<Exclude<RecordAnswer, { problem: unknown }>> {
    const answer = await pool.run(task).catch((error: unknown) => {
      if (!(error instanceof Problem) || error.code !== 'timeout') throw error;
      throw new Problem('too-long', 'The record takes too long to check; send it in smaller parts.');
    });
    if ('problem' in answer) throw new Problem(answer.problem.code, answer.problem.message);
    return answer;
  }

  return {
    async issues(resource, profiles = []) {
      const content = JSON.stringify(resource);
      if (content === undefined || content.length <= shortRecord) return issuesWith(resource, profiles);
      const answer = await perform({ kind: 'issues', content, profiles });
      return 'issues' in answer ? answer.issues : [];
    },
    async indexRows(content) {
      if (content.length <= shortRecord) return JSON.stringify(indexRowsOf(JSON.parse(content) as Resource, site));
      const answer = await perform({ kind: 'index', content, site });
      return 'rows' in answer ? answer.rows : '';
    },
    close: () => pool.close(),
  };
}
