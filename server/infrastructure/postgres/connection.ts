import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { throwProblem } from './database-problem.ts';
import { migrations } from './migrations/index.ts';

/** Plain SQL bound to the pool or to one transaction; every store is a function of this. */
export interface Sql {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * As `query`, and each connection keeps the statement parsed and planned: that is most of the time of a short one.
   * For the few texts that are asked all the time, and only where one plan is right for all values: the plan that is
   * kept does not know them.
   */
  prepared<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
}

/** Counts and sums come back as JavaScript numbers; none of ours leaves the safe integer range. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Opens the TypeORM data source: one connection pool, migrations from the list, no schema sync.
 *
 * The pool's idle clients fail when the database restarts; pg then emits `error`, which ends the process
 * unless somebody listens. Requests in flight fail by themselves and the pool reconnects.
 */
export async function connect(
  url: string,
  options: {
    poolSize: number;
    onLost?: (error: Error) => void;
    /** Default: 30 seconds; 0 is no limit. */
    statementTimeoutMs?: number;
    /** Default: no limit of its own. */
    lockTimeoutMs?: number;
  },
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    migrations,
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    synchronize: false,
    logging: false,
    poolErrorHandler: (error: Error) => options.onLost?.(error),
    extra: {
      max: options.poolSize,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      ...(options.lockTimeoutMs !== undefined && { lock_timeout: options.lockTimeoutMs }),
    },
  });
  return dataSource.initialize();
}

/** SQL on the pool: each statement is a transaction of its own. Goes to pg directly: TypeORM's runner adds nothing here. */
export function poolSql(dataSource: DataSource): Sql {
  const pool = poolOf(dataSource);
  return {
    query: <Row>(text: string, values?: readonly unknown[]) =>
      pool.query(text, values as unknown[] | undefined).then(({ rows }) => rows as Row[], throwProblem),
    prepared: <Row>(text: string, values: readonly unknown[]) =>
      pool.query(named(text, values)).then(({ rows }) => rows as Row[], throwProblem),
  };
}

/** Each connection holds every statement that has a name until it ends, so there are only so many. */
const mostNames = 100;
const names = new Map<string, string>();

function named(text: string, values: readonly unknown[]): pg.QueryConfig {
  let name = names.get(text);
  if (name === undefined && names.size < mostNames) {
    name = `s${names.size}`;
    names.set(text, name);
  }
  return { text, values: values as unknown[], ...(name !== undefined && { name }) };
}

export function poolOf(dataSource: DataSource): pg.Pool {
  return (dataSource.driver as unknown as { master: pg.Pool }).master;
}

/** SQL inside the transaction of a TypeORM entity manager. */
export async function managerSql(manager: EntityManager): Promise<Sql> {
  const client = (await manager.queryRunner!.connect()) as pg.PoolClient;
  return {
    query: <Row>(text: string, values?: readonly unknown[]) =>
      client.query(text, values as unknown[] | undefined).then(({ rows }) => rows as Row[], throwProblem),
    prepared: <Row>(text: string, values: readonly unknown[]) =>
      client.query(named(text, values)).then(({ rows }) => rows as Row[], throwProblem),
  };
}
