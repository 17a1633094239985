/**
 * What the database's failures are to a caller, in one place (PostgreSQL, Appendix A). Every statement goes through
 * here, so that no face ever sees an error of the driver; what has no row is our own bug and stays as it is.
 */
import { Problem, type ProblemCode } from '../../core/problem.ts';

interface Row {
  code: ProblemCode;
  message: string;
  /** Seconds. */
  retryAfter?: number;
}

const away: Row = { code: 'transient', message: 'The database is not available; try again.', retryAfter: 5 };
const busy: Row = { code: 'transient', message: 'The database is too busy; try again.', retryAfter: 2 };
const conflict: Row = { code: 'transient', message: 'Too many writers at once; try again.', retryAfter: 1 };
const full: Row = { code: 'no-store', message: 'The database has no room left.' };
const unstorable: Row = { code: 'value', message: 'A value holds characters or numbers that cannot be stored.' };
const tooLarge: Row = { code: 'too-long', message: 'A value is too long to be stored or compared.' };

export const sqlState = {
  uniqueViolation: '23505',
  serializationFailure: '40001',
  deadlock: '40P01',
  queryCanceled: '57014',
} as const;

/** By SQLSTATE; the classes below hold for states that have no row of their own. */
export const states: ReadonlyMap<string, Row> = new Map([
  [sqlState.queryCanceled, { ...busy, message: 'The database took too long; try again.' }], // our statement_timeout
  ['55P03', busy], // lock_not_available
  ['55006', busy], // object_in_use
  ['25P03', busy], // idle_in_transaction_session_timeout
  ['25006', away], // read_only_sql_transaction: a standby, just after a change of the primary
  [sqlState.serializationFailure, conflict],
  [sqlState.deadlock, conflict],
  ['53100', full], // disk_full
  ['22021', unstorable], // character_not_in_repertoire: U+0000
  ['22P05', unstorable], // untranslatable_character: \u0000 or half a surrogate pair in JSON
  ['22003', unstorable], // numeric_value_out_of_range
  ['22008', unstorable], // datetime_field_overflow
  ['2201B', { code: 'value', message: 'A value cannot be searched for.' }], // invalid_regular_expression
  ['54000', tooLarge], // program_limit_exceeded: a key longer than an index takes
  [sqlState.uniqueViolation, { code: 'conflict', message: 'Somebody else wrote the same at this moment; read it again.' }],
]); // prettier-ignore

/** By class: the first two characters of a SQLSTATE. */
export const classes: ReadonlyMap<string, Row> = new Map([
  ['08', away], // connection exception
  ['28', away], // invalid authorization: its password was changed
  ['3D', away], // invalid catalog name: it is being restored
  ['40', conflict], // transaction rollback
  ['53', busy], // insufficient resources: memory, too many connections
  ['57', away], // operator intervention: shutting down, starting
  ['58', away], // system error of the database's machine
]);

/** What Node says of a connection that cannot be made or is lost. */
const lostConnection = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN ENOENT EMFILE ENFILE'.split(' '),
); // prettier-ignore

/** What pg, its pool and TypeORM say of one; these errors carry no code. */
const lostWords =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|Driver not Connected|Connection is not established|Cannot perform operation on .* connection|Query runner already released)/;

/**
 * The Problem that an error of the database is; undefined for a Problem and for what is our own fault.
 * The driver's error is its cause.
 */
export function databaseProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return undefined;
  const row = rowOf(error);
  if (!row) return undefined;
  const { code, message, retryAfter } = row;
  return new Problem(code, message, { ...(retryAfter !== undefined && { retryAfter }), cause: error });
}

function rowOf(error: unknown): Row | undefined {
  const code = codeOf(error);
  if (code !== undefined) {
    if (lostConnection.has(code)) return away;
    const row = /^[0-9A-Z]{5}$/.test(code) ? (states.get(code) ?? classes.get(code.slice(0, 2))) : undefined;
    if (row) return row;
  }
  return error instanceof Error && lostWords.test(error.message) ? away : undefined;
}

/** Throws an error of the database as its Problem, anything else as it is. */
export function throwProblem(error: unknown): never {
  throw databaseProblem(error) ?? error;
}

/** SQLSTATE, or the operating system's error name; of a Problem, that of what caused it. */
export function codeOf(error: unknown): string | undefined {
  let at = error;
  for (let depth = 0; at instanceof Problem && depth < 5; depth++) at = at.cause;
  const { code } = (at ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
