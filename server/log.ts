import { sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino, type Logger as PinoLogger } from 'pino';
import { Problem } from './core/problem.ts';

export type Logger = PinoLogger;

/**
 * Fields that a log line may carry. Everything else is dropped, so that a careless `log.info({ patient })`
 * cannot put health data into a log: ids, codes, counts and times are all that operators need.
 */
const allowed = new Set([
  'requestId', 'method', 'route', 'status', 'ms', 'bytes', 'job', 'kind', 'key', 'attempt', 'code', 'count',
  'port', 'host', 'provider', 'component', 'components', 'state', 'reason', 'signal', 'digest', 'version', 'migrations',
]); // prettier-ignore

/** One JSON line an event on standard output; the message is constant, the facts are fields. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) =>
        Object.fromEntries(
          Object.entries(fields).flatMap(([name, value]) =>
            name === 'err' ? [['err', describe(value)]] : allowed.has(name) ? [[name, value]] : [],
          ),
        ),
    },
  });
}

/** What libraries tell about an error besides its message, and never holds a value: names of theirs and of our tables. */
const facts = [
  'code', 'errno', 'syscall', // the operating system
  'severity', 'schema', 'table', 'column', 'constraint', 'routine', // PostgreSQL
  'responseCode', 'command', // SMTP
  'expression', // ours: a FHIRPath
] as const; // prettier-ignore

const factForm = /^[A-Za-z0-9_.[\]$ -]{1,100}$/;

/**
 * An error's class, message, facts and stack frames, and those of its causes.
 *
 * The message is there if it is ours: libraries quote the values they choke on, and those may be a patient's. Theirs
 * are known by their code and by the place that they were thrown at.
 */
export function describe(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  const message = safeMessage(error, frames[0]);
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return {
    type: error.name,
    ...(message !== undefined && { message }),
    ...Object.fromEntries(facts.flatMap((name) => factOf(error, name))),
    stack: frames.slice(0, 8).map((line) => line.trim()),
    ...(depth < 4 && cause instanceof Error && { cause: describe(cause, depth + 1) }),
    ...(depth < 4 && first instanceof Error && { first: describe(first, depth + 1) }),
  };
}

const here = import.meta.dirname + sep;
const hereUrl = pathToFileURL(here).href;

function safeMessage(error: Error, frame: string | undefined): string | undefined {
  // Its contract: no health data.
  if (error instanceof Problem) return error.message;
  const ours = frame !== undefined && (frame.includes(hereUrl) || frame.includes(here));
  if (!ours || 'code' in error) return undefined;
  // The engine's own errors (TypeError and others) quote the key that they were asked for.
  return error.message.replace(/'[^']*'|"[^"]*"/g, "'...'").slice(0, 500);
}

function factOf(error: Error, name: (typeof facts)[number]): [string, string | number][] {
  const value = (error as unknown as Record<string, unknown>)[name];
  if (typeof value === 'number') return [[name, value]];
  return typeof value === 'string' && factForm.test(value) ? [[name, value]] : [];
}
