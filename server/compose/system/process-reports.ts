import { newId } from '../../core/identifier.ts';
import type { PartState } from '../../http/request/parts.ts';
import type { Clock } from '../../infrastructure/postgres/clock.ts';
import type { Sql } from '../../infrastructure/postgres/connection.ts';
import { postgresProcessStates, type KnownProcess } from '../../infrastructure/postgres/process-states.ts';
import { releaseVersion } from '../release-version.ts';
import type { Start } from '../start.ts';

/** How often a process says how it is. */
const everyMs = 15_000;
/** However many pages ask, a process looks at itself once in so long. */
const restMs = 1_000;

/** Each process of the installation says in the database how it is, so that any of them can tell of all. */
export interface ProcessReports {
  /** Of this one. */
  id: string;
  /** Says it now; nothing before `begin`. */
  report(): Promise<void>;
  all(): Promise<KnownProcess[]>;
  /** From now on, with what it finds of its parts and how many pages hear of changes. */
  begin(of: { look(): Promise<Record<string, PartState>>; channels?: () => number }): void;
}

/** @param told called when something was said: open pages may wait for it. */
export function processReports(
  { config, log, closing }: Pick<Start, 'config' | 'log' | 'closing'>,
  { sql, clock, told }: { sql: Sql; clock: Clock; told: () => void },
): ProcessReports {
  const states = postgresProcessStates(sql);
  const id = newId();
  const { api, worker } = config.roles;
  const role = api && worker ? 'all' : api ? 'api' : worker ? 'worker' : 'dimse';
  let say: (() => Promise<void>) | undefined;
  let saying: Promise<void> | undefined;
  let lastAt = -Infinity;

  const report = (): Promise<void> => {
    if (!say || performance.now() - lastAt < restMs) return saying ?? Promise.resolve();
    saying ??= say().finally(() => {
      saying = undefined;
      lastAt = performance.now();
    });
    return saying;
  };
  return {
    id,
    report,
    all: states.all,
    begin({ look, channels }) {
      say = async () => {
        const found = await look();
        await states.report({
          id,
          role,
          version: releaseVersion(),
          parts: Object.fromEntries(Object.entries(found).map(([name, { up }]) => [name, up])),
          figures: {
            ...(channels && { channels: channels() }),
            memory: Math.round(process.memoryUsage.rss() / 2 ** 20),
            clockAhead: Math.round(clock.aheadMs()),
          },
        });
        told();
      };
      const turn = () => void report().catch((err: unknown) => log.warn({ err }, 'state could not be told'));
      const timer = setInterval(turn, everyMs).unref();
      turn();
      closing.push(async () => {
        clearInterval(timer);
        say = undefined;
        await saying?.catch(() => undefined);
        await states.leave(id);
        told();
      });
    },
  };
}
