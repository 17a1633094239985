/** How the parts of the installation are judged from what is measured of them: codes and numbers, words are the page's. */

import { own } from '../table.ts';

export const partNames = [
  'processes', 'database', 'disk', 'images', 'workers', 'queue', 'model', 'browser', 'relay', 'audit', 'keys', 'schema',
  'live', 'clock',
] as const; // prettier-ignore
export type PartName = (typeof partNames)[number];

/** `attention`: everything works, and somebody has to do something; `failed`: something does not work; `idle`: not used yet. */
export const partStates = ['ok', 'idle', 'attention', 'failed'] as const;
export type PartState = (typeof partStates)[number];

export interface SystemPart {
  name: PartName;
  state: PartState;
  /** What is the matter, for which the page has words and what to do. */
  reason?: string;
  /** Numbers, instants (ISO 8601) and names of ours. */
  facts: Readonly<Record<string, number | string>>;
}

/** What is known of a process. */
export interface ProcessFacts {
  role: 'all' | 'api' | 'worker' | 'dimse';
  version: string;
  silent: boolean;
  parts: Readonly<Record<string, boolean>>;
  figures: { channels?: number; clockAhead: number };
}

type Judged = Omit<SystemPart, 'name'>;
const ok = (facts: SystemPart['facts'] = {}): Judged => ({ state: 'ok', facts });
const attention = (reason: string, facts: SystemPart['facts'] = {}): Judged => ({ state: 'attention', reason, facts });
const failed = (reason: string, facts: SystemPart['facts'] = {}): Judged => ({ state: 'failed', reason, facts });
const idle = (reason: string, facts: SystemPart['facts'] = {}): Judged => ({ state: 'idle', reason, facts });

/** What could not be measured at all. */
export const unknown: Judged = failed('unknown');

const heard = (processes: readonly ProcessFacts[]) => processes.filter(({ silent }) => !silent);
const workersOf = (processes: readonly ProcessFacts[]) =>
  heard(processes).filter(({ role }) => role === 'all' || role === 'worker');
/** Of the processes that have this part: in how many it works. */
const upIn = (processes: readonly ProcessFacts[], part: string) => {
  const having = heard(processes).flatMap(({ parts }) => own(parts, part) ?? []);
  return { of: having.length, up: having.filter((works) => works).length };
};

export function judgeProcesses(processes: readonly ProcessFacts[], version: string): Judged {
  const running = heard(processes);
  const facts = { running: running.length, silent: processes.length - running.length, version };
  if (facts.silent > 0) return attention('silent', facts);
  if (new Set(running.map((one) => one.version)).size > 1) return attention('versions', facts);
  // The rest of its parts are judged below by name.
  return running.some(({ parts }) => parts['server'] === false) ? failed('server', facts) : ok(facts);
}

export function judgeDatabase(
  processes: readonly ProcessFacts[],
  facts: { bytes: number; connections: number; most: number },
): Judged {
  const { of, up } = upIn(processes, 'database');
  if (up < of) return failed('database', facts);
  return facts.connections > facts.most * 0.85 ? attention('connections', facts) : ok(facts);
}

export function judgeDisk({ free, total, reserve }: { free: number; total: number; reserve: number }): Judged {
  const facts = { free, total };
  if (free < reserve) return failed('full', facts);
  return free < total * 0.1 ? attention('nearly-full', facts) : ok(facts);
}

export function judgeImages(processes: readonly ProcessFacts[]): Judged {
  if (upIn(processes, 'blob store').up < upIn(processes, 'blob store').of) return failed('blobs');
  const reading = ['reader', 'pixels'].some((part) => upIn(processes, part).up < upIn(processes, part).of);
  return reading ? failed('reading') : ok();
}

export function judgeWorkers(processes: readonly ProcessFacts[]): Judged {
  const workers = workersOf(processes).length;
  return workers === 0 ? failed('no-worker', { workers }) : ok({ workers });
}

/** Work that people wait for is done in seconds; what runs in the shadow waits until nobody does. */
const patienceSeconds = 300;

export function judgeQueue(
  queue: readonly { kind: string; waiting: number; later: number; active: number; failed: number; oldest: number }[],
): Judged {
  const sum = (count: 'waiting' | 'later' | 'active' | 'failed') => queue.reduce((all, one) => all + one[count], 0);
  const oldest = Math.max(0, ...queue.filter(({ kind }) => kind !== 'shadow').map((one) => one.oldest));
  const facts = {
    waiting: sum('waiting'),
    later: sum('later'),
    active: sum('active'),
    failed: sum('failed'),
    oldest: Math.round(oldest),
  };
  if (oldest > patienceSeconds) return attention('waits', facts);
  return facts.failed > 0 ? attention('failed-jobs', facts) : ok(facts);
}

export function judgeModel(
  processes: readonly ProcessFacts[],
  active: { name: string; version: string } | undefined,
): Judged {
  if (!active) return attention('no-model');
  const { of, up } = upIn(workersOf(processes), 'model');
  const facts = { name: active.name, version: active.version, workers: up };
  if (of === 0) return failed('no-worker', facts);
  if (up === 0) return failed('model', facts);
  return up < of ? attention('model-some', facts) : ok(facts);
}

export function judgeBrowser(processes: readonly ProcessFacts[]): Judged {
  const { of, up } = upIn(workersOf(processes), 'browser');
  if (of === 0) return failed('no-worker');
  if (up === 0) return failed('browser');
  return up < of ? attention('browser-some', { workers: up }) : ok({ workers: up });
}

export function judgeRelay(relay: { state: 'ok' | 'failing' | 'unused'; since?: Date }): Judged {
  if (relay.state === 'failing') return failed('relay', relay.since ? { since: relay.since.toISOString() } : {});
  return relay.state === 'unused' ? idle('relay-unused') : ok();
}

/** A verification reads the whole trail: once a month is what docs/audit.md asks for. */
const verifyDays = 31;
/** Seals are made every minute. */
const unsealedMost = 100_000;

export function judgeAudit(
  trail: { rows: number; linked: number; check?: { state: string; found: number; changedAt: Date } },
  now: Date,
): Judged {
  const { rows, linked, check } = trail;
  const facts = { rows, sealed: linked, ...(check && { checked: check.changedAt.toISOString() }) };
  if (check?.state === 'done' && check.found > 0) return failed('audit-faults', { ...facts, faults: check.found });
  if (check?.state === 'failed') return attention('audit-broken-off', facts);
  if (rows - linked > unsealedMost) return attention('audit-unsealed', facts);
  if (!check) return attention('audit-never', facts);
  const age = now.getTime() - check.changedAt.getTime();
  return age > verifyDays * 86_400_000 ? attention('audit-old', facts) : ok(facts);
}

/** A turn is begun by a chore of the worker every hour. */
const turnLateMs = 2 * 86_400_000;

/** @param turns of the keys that sign tokens and cookies: since when, until when, and how many still verify. */
export function judgeKeys(
  turns: readonly { since: Date; until: Date; count: number }[],
  recordKeys: number,
  now: Date,
): Judged {
  const since = new Date(Math.min(...turns.map((turn) => turn.since.getTime())));
  const until = new Date(Math.min(...turns.map((turn) => turn.until.getTime())));
  const facts = {
    since: since.toISOString(),
    until: until.toISOString(),
    keys: turns.reduce((all, { count }) => all + count, 0),
    recordKeys,
  };
  return until.getTime() + turnLateMs < now.getTime() ? attention('turn-late', facts) : ok(facts);
}

export function judgeSchema(state: { missing: readonly string[]; unknown: readonly string[] }, done: number): Judged {
  const facts = { migrations: done, missing: state.missing.length };
  if (state.unknown.length > 0) return attention('schema-later', facts);
  return state.missing.length > 0 ? failed('schema-earlier', facts) : ok(facts);
}

export function judgeLive(processes: readonly ProcessFacts[]): Judged {
  const channels = heard(processes).reduce((all, { figures }) => all + (figures.channels ?? 0), 0);
  return ok({ channels });
}

/** Signatures, tokens and leases bear some seconds. */
const skewMs = 2_000;

export function judgeClock(processes: readonly ProcessFacts[]): Judged {
  const ahead = Math.max(0, ...heard(processes).map(({ figures }) => Math.abs(figures.clockAhead)));
  const facts = { milliseconds: Math.round(ahead) };
  return ahead > skewMs ? attention('clock', facts) : ok(facts);
}
