import type { DataSource } from 'typeorm';
import type { Stores } from '../../core/ports.ts';
import { Problem } from '../../core/problem.ts';
import { codeOf, managerSql, unreachable, type Sql } from './connection.ts';

/**
 * Runs `work` in one read-committed transaction. A deadlock or serialization failure rolls back and runs it
 * again, a bounded number of times: `work` must therefore do nothing outside the transaction.
 *
 * @throws Problem `transient` when the database cannot be reached or conflicts do not end.
 */
export async function inTransaction<T>(
  dataSource: DataSource,
  stores: (sql: Sql) => Stores,
  work: (tx: Stores) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dataSource.transaction(async (manager) => work(stores(await managerSql(manager))));
    } catch (error) {
      const problem = unreachable(error);
      if (problem) throw problem;
      if (!isConflict(error)) throw error;
      if (attempt === 5)
        throw new Problem('transient', 'Too many writers at once; try again.', { retryAfter: 1, cause: error });
    }
  }
}

/** 40001 serialization_failure, 40P01 deadlock_detected (PostgreSQL, Appendix A). */
function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}
