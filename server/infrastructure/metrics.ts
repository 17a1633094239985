import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Classifier, ClassifierLoad, SwitchedClassifier } from '../core/analysis/classifier.ts';
import type { Reading, World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { JobBacklog } from './postgres/jobs/backlog.ts';

export interface Threads {
  threads: number;
  busy: number;
  waiting: number;
}

/** Asked when somebody reads the metrics, and at no other time. */
export interface MetricSources {
  connections(): { total: number; idle: number; waiting: number };
  threads: Record<string, () => Threads>;
  classifier(): ClassifierLoad | undefined;
  backlog(): Promise<JobBacklog[]>;
  clockAheadMs(): number;
}

export interface Metrics {
  /** An answered request; `route` from a bounded set. */
  request(entry: { route: string; method: string; status: number; ms: number }): void;
  job(kind: string, outcome: string, ms: number): void;
  /** Channels of open pages. */
  live: {
    open(channels: number): void;
    told(ms: number): void;
    closed(reason: string): void;
  };
  /** The world with its slow parts timed. */
  timed(world: World): World;
  /** How each component of `/readyz` was last found. */
  component(name: string, up: boolean): void;
  contentType: string;
  text(): Promise<string>;
}

const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Counts and times for operators, in the text form of Prometheus. Labels come from sets that are known when the
 * program is written (route patterns, kinds, problem codes): neither health data nor a caller's words can get in, and
 * nobody can make the series grow.
 */
export function createMetrics(sources: MetricSources): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry, prefix: 'csss_' });
  const histogram = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name, help, labelNames, buckets: seconds, registers });
  const requests = histogram('csss_request_seconds', 'Answered requests', ['route', 'method', 'status']);
  const operations = histogram('csss_operation_seconds', 'Work inside of the server', ['operation', 'outcome']);
  const jobs = histogram('csss_job_seconds', 'Tries of jobs', ['kind', 'outcome']);
  const components = new Gauge({
    name: 'csss_component_up',
    help: 'Components of /readyz',
    labelNames: ['component'],
    registers,
  });
  gauges(registers, sources);
  const live = liveMeasures(registers);

  const time = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const done = (outcome: string) => operations.observe({ operation, outcome }, (performance.now() - start) / 1000);
    try {
      const result = await work();
      done('ok');
      return result;
    } catch (error) {
      done(outcomeOf(error));
      throw error;
    }
  };
  return {
    request({ route, method, status, ms }) {
      requests.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, ms / 1000);
    },
    job: (kind, outcome, ms) => jobs.observe({ kind, outcome }, ms / 1000),
    live,
    timed: (world) => timedWorld(world, time),
    component: (name, up) => components.set({ component: name }, up ? 1 : 0),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

/** `ok` has no error; a Problem its code; anything else is our fault. */
export function outcomeOf(error: unknown): string {
  return error instanceof Problem ? error.code : 'fault';
}

function liveMeasures(registers: Registry[]): Metrics['live'] {
  const open = new Gauge({ name: 'csss_live_channels', help: 'Open pages that hear of changes', registers });
  const told = new Histogram({ name: 'csss_live_seconds', help: 'From a write to the message that tells a page of it', buckets: seconds, registers }); // prettier-ignore
  const closed = new Counter({
    name: 'csss_live_closed_total',
    help: 'Channels that ended',
    labelNames: ['reason'],
    registers,
  });
  return {
    open: (channels) => open.set(channels),
    told: (ms) => told.observe(ms / 1000),
    closed: (reason) => closed.inc({ reason }),
  };
}

function gauges(registers: Registry[], sources: MetricSources): void {
  /** Filled when the metrics are read; what cannot be said then is left out. */
  const gauge = (name: string, help: string, labelNames: string[], fill: (gauge: Gauge) => void | Promise<void>) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        this.reset();
        await Promise.resolve(fill(this)).catch(() => undefined);
      },
    });
  gauge('csss_database_connections', 'Connections of the pool', ['state'], (one) => {
    for (const [state, count] of Object.entries(sources.connections())) one.set({ state }, count);
  });
  gauge('csss_threads', 'Worker threads and what waits for them', ['pool', 'state'], (one) => {
    for (const [pool, load] of Object.entries(sources.threads))
      for (const [state, count] of Object.entries(load())) one.set({ pool, state }, count);
  });
  gauge('csss_classifier_images', 'Images that wait for the model or are in it', ['state'], (one) => {
    const load = sources.classifier();
    if (!load) return;
    one.set({ state: 'waiting' }, load.waiting);
    one.set({ state: 'running' }, load.running);
  });
  gauge('csss_clock_ahead_seconds', "This machine's clock against the database's", [], (one) =>
    one.set(sources.clockAheadMs() / 1000),
  );
  const oldest = new Gauge({
    name: 'csss_job_oldest_seconds',
    help: 'Age of the oldest job that is not done',
    labelNames: ['kind'],
    registers,
  });
  gauge('csss_jobs', 'Jobs that are not done, or failed for good', ['kind', 'state'], async (one) => {
    oldest.reset();
    for (const { kind, state, count, oldestSeconds } of await sources.backlog()) {
      one.set({ kind, state }, count);
      if (state !== 'failed') oldest.set({ kind }, Math.max(oldestSeconds, 0));
    }
  });
}

type Time = <T>(operation: string, work: () => Promise<T>) => Promise<T>;

function timedWorld(world: World, time: Time): World {
  const { blobs, reader, pixels, pdf, mailer } = world;
  const timed = once((stores: Reading) => timedReading(stores, time));
  return {
    ...world,
    blobs: { ...blobs, keep: (received) => time('store bytes', () => blobs.keep(received)) },
    reader: {
      read: (...file) => time('read instance', () => reader.read(...file)),
      coerced: (...file) => time('coerce instance', () => reader.coerced(...file)),
    },
    pixels: {
      ...pixels,
      decode: (...frame) => time('decode frame', () => pixels.decode(...frame)),
      render: (...frame) => time('render frame', () => pixels.render(...frame)),
    },
    classifier: timedClassifier(world.classifier, 'classify', time),
    shadow: timedClassifier(world.shadow, 'classify in the shadow', time),
    pdf: { ...pdf, print: (html) => time('print', () => pdf.print(html)) },
    mailer: { send: (mail) => time('mail', () => mailer.send(mail)) },
    read: (work) => world.read((stores) => work(timed(stores))),
    transaction: (work) => time('transaction', () => world.transaction(work)),
  };
}

/** Reading units are given the same stores every time: they are wrapped when they are first seen. */
function once<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, Value>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

function timedReading(stores: Reading, time: Time): Reading {
  const { records, studies } = stores;
  return {
    ...stores,
    records: { ...records, search: (...query) => time('search records', () => records.search(...query)) },
    studies: { ...studies, find: (...query) => time('search studies', () => studies.find(...query)) },
  };
}

function timedClassifier(place: SwitchedClassifier, operation: string, time: Time): SwitchedClassifier {
  const classify =
    (classifier: Classifier): Classifier['classify'] =>
    (...image) =>
      time(operation, () => classifier.classify(...image));
  return {
    state: () => place.state(),
    idle: () => place.idle(),
    classify: classify(place),
    hold() {
      const held = place.hold();
      return { ...held, classify: classify(held) };
    },
  };
}
