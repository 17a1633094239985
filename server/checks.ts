import { join } from 'node:path';
import type { Classifier } from './core/analysis/classifier.ts';
import type { Readiness } from './http/health.ts';
import { lookAtParts, up, type Part, type PartState } from './http/request/parts.ts';
import { probeBlobs } from './infrastructure/blobs/probe.ts';
import type { PixelThreads } from './infrastructure/codecs/pixel-decoder.ts';
import type { ThreadedReader } from './infrastructure/dicom-reader/threaded-reader.ts';
import type { RelayState } from './infrastructure/mail/smtp-mailer.ts';
import type { Metrics } from './infrastructure/metrics.ts';
import type { Printer, PrinterState } from './infrastructure/pdf/printer.ts';
import type { Sql } from './infrastructure/postgres/connection.ts';
import type { JobRunner } from './infrastructure/postgres/jobs/jobs.ts';

export interface Checked {
  sql: Sql;
  dataDir: string;
  jobs: JobRunner;
  reader: ThreadedReader;
  pixels: PixelThreads;
  /** These three in a worker only: what a process does not have is left out of what it says. */
  classifier?: Pick<Classifier, 'state'>;
  pdf?: Printer;
  mailer?: { last(): RelayState };
  metrics: Pick<Metrics, 'component'>;
  /** Throws when the server does not answer itself rightly. */
  askSelf: () => Promise<void>;
}

/**
 * What `/readyz` says: each part is used once, in a small way, as requests use it. Only parts without which requests
 * fail decide; a missing browser or mail relay stops reports, which wait for it, and must not take the images away.
 */
export function readinessOf(
  { classifier, metrics }: Pick<Checked, 'classifier' | 'metrics'>,
  look: () => Promise<Record<string, PartState>>,
  isDraining: () => boolean,
): () => Promise<Readiness> {
  return async () => {
    const states = await look();
    const model = classifier?.state();
    for (const [name, { up }] of Object.entries(states)) metrics.component(name, up);
    const down = Object.entries(states).filter(([, { up }]) => !up);
    const degraded = down.map(([name]) => name).filter((name) => !needed.has(name));
    const components = Object.fromEntries(Object.entries(states).map(([name, { line }]) => [name, line]));
    return {
      ready: !isDraining() && down.length === degraded.length,
      components: isDraining() ? { ...components, server: 'stopping' } : components,
      degraded,
      ...(model?.ready && { load: model.load }),
    };
  };
}

/** Each part of this process, as it is found now. */
export function looking(checked: Checked): () => Promise<Record<string, PartState>> {
  const lookAtAll = lookAtParts(parts(checked));
  return async () => ({
    ...(await lookAtAll()),
    // Taken at this moment: they cost nothing.
    ...(checked.classifier && { model: modelState(checked.classifier.state()) }),
    ...(checked.mailer && { mail: mailState(checked.mailer.last()) }),
  });
}

const needed: ReadonlySet<string> = new Set([
  'server', 'database', 'blob store', 'job queue', 'reader', 'pixels', 'model',
]); // prettier-ignore

/**
 * Spills a little to the database's disk, on one of the pool's connections: that a `select 1` works says nothing about
 * a disk that is full.
 */
const useDatabase = `set local work_mem = '64kB'; select count(*) from generate_series(1, 20000)`;

function parts({ sql, dataDir, jobs, reader, pixels, pdf, askSelf }: Checked): Record<string, Part> {
  const blobFolder = join(dataDir, 'blobs');
  return {
    server: { look: () => askSelf().then(() => up) },
    database: { look: () => sql.query(useDatabase).then(() => up) },
    'blob store': {
      look: () => probeBlobs(blobFolder).then((line) => (line === undefined ? up : { up: false, line })),
    },
    'job queue': { look: () => jobs.ping().then(() => up) },
    // A file may take two seconds.
    reader: { limitMs: 5_000, look: () => reader.ping().then(() => up) },
    pixels: { limitMs: 5_000, look: () => pixels.ping().then(() => up) },
    ...(pdf && { browser: { look: () => pdf.look().then(browserState) } }),
  };
}

function modelState(state: ReturnType<Classifier['state']>): PartState {
  // One that is switched off on purpose must not take the whole server out of service.
  if (!state.ready)
    return state.switchedOff
      ? { up: true, line: 'switched off by an administrator' } // public: no names here
      : { up: false, line: state.reason };
  const lost = state.lost ? `, since ${state.lost.join(' and ')}` : '';
  return { up: true, line: `up (${state.model.name} ${state.model.version} on ${state.provider}${lost})` };
}

function browserState(state: PrinterState): PartState {
  return state.ready
    ? { up: true, line: `up (${state.browser}, found by ${state.origin})` }
    : { up: false, line: state.reason };
}

function mailState(last: RelayState): PartState {
  if (!last) return { up: true, line: 'nothing sent yet' };
  const at = last.at.toISOString().slice(0, 19);
  return last.taken
    ? { up: true, line: `up (took a message at ${at}Z)` }
    : { up: false, line: `the relay did not take a message at ${at}Z (${last.reason})` };
}
