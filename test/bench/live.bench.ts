import pg from 'pg';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { fhirClient } from '../../viewer/src/api/fhir.ts';
import { authorizedFetch } from '../../viewer/src/api/http.ts';
import { patientClient } from '../../viewer/src/api/patient.ts';
import { workPage } from '../../viewer/src/api/review/work-list.ts';
import { workClient, type WorkQueue } from '../../viewer/src/api/work.ts';
import { newUid } from '../harness/dicom-file.ts';
import { livePage, type LivePage } from '../harness/live-page.ts';
import { signIn } from '../harness/sign-in.ts';
import { multipart } from './ct-instances.ts';
import { at, report } from './measure.ts';
import { startServer, type BenchServer } from './server.ts';

const pages = 100;
const seconds = 60;
const changeEvery = 15_000;
/** As use-live.ts: messages of one act come within moments. */
const rest = 150;
const roles = ['doctor', 'pharmacist', 'admin', 'patient'] as const;

/** What the pages ask for their first list, their tabs and their cards; a patient's page asks for the own scans. */
const asked: Record<(typeof roles)[number], { queue: WorkQueue; counts: readonly string[] } | undefined> = {
  doctor: { queue: 'pending', counts: ['pending', 'to-read', 'verified', 'all', 'ended', 'verified-by-me'] },
  pharmacist: {
    queue: 'to-prescribe',
    counts: ['to-prescribe', 'prescribed', 'normal-due', 'abnormal-due', 'completed-today'],
  },
  admin: {
    queue: 'to-approve',
    counts: ['to-approve', 'released', 'all', 'ended', 'patients-awaiting', 'abnormal-awaiting', 'submitted-today'],
  },
  patient: undefined,
};

/**
 * A hundred open pages on one server while a scan arrives four times a minute: told over their channels, against asking
 * every five seconds as they did before. Pages are what a browser does of them (the viewer's own calls, and a
 * WebSocket), without the browser.
 */
export async function liveBench(): Promise<void> {
  const server = await startServer({ LOG_LEVEL: 'error' }, { demoData: true });
  const database = new pg.Client({ connectionString: server.databaseUrl() });
  await database.connect();
  const url = server.url.replace(/\/dicomweb$/, '');
  try {
    const tokens = new Map<string, string>();
    for (const role of new Set(roles)) {
      const signedIn = await signIn(url, { email: `${role}@demo.csss.example`, password: demoPassword });
      tokens.set(role, signedIn.access_token);
    }
    const open = Array.from({ length: pages }, (_, i) => {
      const role = roles[i % roles.length]!;
      return new Page(url, role, tokens.get(role)!);
    });
    const told = await run(server, database, open, (page) => page.listen());
    const polled = await run(server, database, open, (page) => page.poll());
    const line = (name: string, of: (one: Run) => number, digits = 0) =>
      report(`${pages} open pages: ${name}`, of(told).toFixed(digits), `every 5 s ${of(polled).toFixed(digits)}`, (of(told) / of(polled)).toFixed(2)); // prettier-ignore
    line('requests a minute', ({ requests }) => (requests / seconds) * 60);
    line('audit rows a minute', ({ rows }) => (rows / seconds) * 60);
    line('processor seconds a minute', ({ processor }) => (processor / seconds) * 60, 1);
    line('MiB of the server at the end', ({ memory }) => memory);
    line('ms until a page knows, p50', ({ heard }) => at(heard, 0.5));
    line('ms until a page knows, p95', ({ heard }) => at(heard, 0.95));
    line('ms until a page shows it, p50', ({ shown }) => at(shown, 0.5));
    line('ms until a page shows it, p95', ({ shown }) => at(shown, 0.95));
  } finally {
    await database.end();
    await server.stop();
  }
}

interface Run {
  requests: number;
  rows: number;
  processor: number;
  memory: number;
  heard: number[];
  shown: number[];
}

async function run(
  server: BenchServer,
  database: pg.Client,
  open: Page[],
  begin: (page: Page) => Promise<() => void>,
): Promise<Run> {
  const count = async () => Number((await database.query(`select count(*) as rows from audit`)).rows[0].rows);
  const ends = await Promise.all(open.map((page) => begin(page)));
  await new Promise((done) => setTimeout(done, 5_000));
  for (const page of open) page.forget();
  const [rows, processor] = [await count(), server.processorSeconds()];
  for (let change = 0; change * changeEvery < seconds * 1000; change++) {
    const began = performance.now();
    // A page may be told before the answer to the scanner is here.
    for (const page of open) page.wanted();
    const stored = await store(server, change);
    for (const page of open) page.stored(stored);
    await new Promise((done) => setTimeout(done, changeEvery - (performance.now() - began)));
  }
  const after = { rows: (await count()) - rows, processor: server.processorSeconds() - processor };
  const memory = server.memory();
  for (const end of ends) end();
  await new Promise((done) => setTimeout(done, 2_000));
  const sorted = (of: (page: Page) => number[]) => open.flatMap(of).sort((a, b) => a - b);
  return {
    ...after,
    memory,
    requests: open.reduce((sum, page) => sum + page.requests, 0),
    heard: sorted((page) => page.heard),
    shown: sorted((page) => page.shown),
  };
}

/** @returns when the server had answered that it is stored. */
async function store(server: BenchServer, n: number): Promise<number> {
  const file = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: `BENCH-${n}`, description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  const { body, contentType } = multipart([file]);
  const headers = { Authorization: await server.authorization(), 'Content-Type': contentType, Accept: 'application/dicom+json' }; // prettier-ignore
  const answer = await fetch(`${server.url}/studies`, { method: 'POST', headers, body: new Uint8Array(body) });
  if (answer.status !== 200) throw new Error(`not stored: ${answer.status}`);
  return performance.now();
}

class Page {
  requests = 0;
  heard: number[] = [];
  shown: number[] = [];
  readonly #url: string;
  readonly #role: keyof typeof asked;
  readonly #token: string;
  /** Asks for all that the page shows: the viewer's own calls. */
  readonly #load: () => Promise<unknown>;
  /** The change that the page does not show yet; undefined once it does. */
  #waiting: { stored?: number; heard?: number; shown?: number } | undefined;
  #asking = false;
  #again = false;

  constructor(url: string, role: keyof typeof asked, token: string) {
    [this.#url, this.#role, this.#token] = [url, role, token];
    const tokens = { current: () => Promise.resolve(token), renewed: () => Promise.resolve(undefined) };
    const send: typeof fetch = (...request) => {
      this.requests++;
      return fetch(...request);
    };
    const authorized = authorizedFetch(tokens, send);
    const [work, own, fhir] = [workClient(authorized, `${url}/portal/work`), patientClient(authorized, `${url}/portal/me`), fhirClient(authorized, `${url}/fhir`)]; // prettier-ignore
    const list = asked[role];
    this.#load = async () => {
      if (list) return Promise.all([work.list({ queue: list.queue, limit: 20 }), work.counts(list.counts, {})]);
      const { scans } = await own.scans(undefined);
      return workPage(fhir, { _id: scans.map(({ review }) => review).join(',') }, { size: scans.length });
    };
  }

  forget(): void {
    [this.requests, this.heard, this.shown, this.#waiting] = [0, [], [], undefined];
  }

  /** A change that concerns the page, if it shows what is new: doctors and the patient do. */
  wanted(): void {
    if (this.#role === 'doctor' || this.#role === 'patient') this.#waiting = {};
  }

  stored(at: number): void {
    if (this.#waiting) this.#waiting.stored = at;
    this.#settle();
  }

  #settle(): void {
    const { stored, heard, shown } = this.#waiting ?? {};
    if (stored === undefined || heard === undefined || shown === undefined) return;
    this.heard.push(Math.max(0, heard - stored));
    this.shown.push(Math.max(0, shown - stored));
    this.#waiting = undefined;
  }

  async #ask(): Promise<void> {
    if (this.#asking) return void (this.#again = true);
    this.#asking = true;
    do {
      this.#again = false;
      const about = this.#waiting;
      await this.#load();
      if (about?.heard !== undefined) about.shown ??= performance.now();
      this.#settle();
    } while (this.#again);
    this.#asking = false;
  }

  async listen(): Promise<() => void> {
    await this.#ask();
    const page: LivePage = await livePage({ url: this.#url }, this.#token);
    let timer: NodeJS.Timeout | undefined;
    page.socket.on('message', (data: Buffer) => {
      const { type, changes = [], gone = [] } = JSON.parse(data.toString()) as LivePage['told'][number];
      const concerned = [...changes.map((change) => change.type), ...gone].includes('Task');
      if (type !== 'changes' || !concerned) return;
      if (this.#waiting) this.#waiting.heard ??= performance.now();
      timer ??= setTimeout(() => {
        timer = undefined;
        void this.#ask();
      }, rest);
    });
    return () => page.close();
  }

  async poll(): Promise<() => void> {
    await new Promise((done) => setTimeout(done, Math.random() * 5_000));
    const timer = setInterval(() => {
      if (this.#waiting?.stored !== undefined) this.#waiting.heard ??= performance.now();
      void this.#ask();
    }, 5_000);
    return () => clearInterval(timer);
  }
}
