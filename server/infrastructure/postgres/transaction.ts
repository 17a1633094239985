import type { DataSource } from 'typeorm';
import { managerSql, type Sql } from './connection.ts';
import { codeOf, databaseProblem, sqlState } from './database-problem.ts';

/**
 * Runs `work` in one read-committed transaction. A deadlock or serialization failure rolls back and runs it
 * again, a bounded number of times: `work` must therefore do nothing outside the transaction.
 *
 * @throws Problem what `work` throws; `transient` when the database cannot be reached or conflicts do not end; as
 * database-problem.ts has it for what the database refuses.
 */
export async function inTransaction<T>(dataSource: DataSource, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dataSource.transaction(async (manager) => work(await managerSql(manager)));
    } catch (error) {
      if (!isConflict(error) || attempt === 5) throw databaseProblem(error) ?? error;
    }
  }
}

function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === sqlState.serializationFailure || code === sqlState.deadlock;
}
