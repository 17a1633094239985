import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/**
 * Fields that a log line may carry. Everything else is dropped, so that a careless `log.info({ patient })`
 * cannot put health data into a log: ids, codes, counts and times are all that operators need.
 */
const allowed = new Set([
  'requestId', 'method', 'route', 'status', 'ms', 'bytes', 'job', 'kind', 'key', 'attempt', 'code', 'count',
  'port', 'host', 'provider', 'component', 'state', 'reason', 'signal', 'digest', 'version', 'migrations',
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

/** An error's class, code and stack frames. Its message stays out: libraries quote the values they choke on. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
  };
}
