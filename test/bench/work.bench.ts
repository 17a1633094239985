import pg from 'pg';
import { demoPassword } from '../../server/demo/people.ts';
import { rowOfFacts } from '../../server/core/workflow/work/row-of-facts.ts';
import type { KnownFact } from '../../server/core/workflow/work/work-facts.ts';
import { wordsOf } from '../../server/core/workflow/work/words.ts';
import { postgresWorkRows } from '../../server/infrastructure/postgres/work/work-rows.ts';
import { signIn } from '../harness/sign-in.ts';
import { expectStatus, measure, report } from './measure.ts';
import { startServer } from './server.ts';

const reviews = Number(process.env['BENCH_REVIEWS'] ?? 100_000);
const bound = 100;
const batch = 1000;

const families = [
  'Rao',
  'Müller',
  'García',
  'Smith',
  'Nguyen',
  'Kumar',
  'Okafor',
  'Ivanova',
  'Sato',
  'Silva',
  'Murugan',
  'Sharma',
  'குமார்',
  'शर्मा',
];
const given = [
  'Arjun',
  'Asha',
  'Anna',
  'Ben',
  'Chiara',
  'Dmitri',
  'Elif',
  'Farah',
  'Gopal',
  'Hana',
  'Ines',
  'Jonas',
  'Kavitha',
  'Lakshmi',
];
const modalities = ['DX', 'CR', 'CT', 'MR'];
const labels = ['Normal', 'Normal', 'Lung_Opacity', 'COVID', 'Viral_Pneumonia', 'Uncertain', 'Unsupported', 'Sick']; // prettier-ignore
/** A site at work: nearly all is released, a few hundred wait at each desk. */
const stands = ['PENDING_AI', 'AI_ANALYZED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REJECTED'] as const;
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length]!;

/** Facts as they would be of the n-th review. */
function factsOf(n: number): KnownFact[] {
  const review = idOf(n);
  const status = n % 200 < 5 ? stands[n % 200]! : 'REPORT_READY';
  const at = (minutes: number) => new Date(Date.UTC(2026, 10, 27) - (reviews - n) * 300_000 + minutes * 60_000).toISOString();
  const [patient, study, ai, clinical, said] = [`Patient/p${n % 40_000}`, `ImagingStudy/s${n}`, `Observation/a${n}`, `Observation/c${n}`, `DiagnosticReport/r${n}`];
  const isRead = ['DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY'].includes(status);
  const priority = pick(['routine', 'routine', 'routine', 'urgent', 'asap', 'stat'] as const, n);
  const step = (id: string, kind: 'ai-inference' | 'physician-verification' | 'pharmacist-review' | 'release-approval', isDone: boolean, minutes: number): KnownFact => ({
    key: `Task/${id}${n}`, version: 3,
    fact: { of: 'step', kind, status: isDone ? 'completed' : 'requested', priority, madeAt: at(minutes), ...(isDone && { owner: `Practitioner/demo-${n % 3}`, endedAt: at(minutes + 5) }) },
  });
  const facts: KnownFact[] = [
    { key: `Task/${review}`, version: 9, fact: { of: 'review', status, priority, accession: `ACC${100_000 + n}`, uploadedAt: at(0), changedAt: at(40), patient, study, report: said, ...(status !== 'PENDING_AI' && { ai }), ...(isRead && { clinical }), medications: [] } },
    { key: patient, version: 1, fact: { of: 'patient', name: `${pick(given, n % 40_000)} ${pick(families, Math.floor((n % 40_000) / 14))} ${n % 40_000}`, recordNumber: `MRN-${n % 40_000}`, birthDate: '1970-01-01', gender: 'female' } },
    { key: study, version: 2, fact: { of: 'study', uid: `2.25.${n}`, modality: pick(modalities, n), bodyPart: 'Chest', description: `Chest ${pick(['PA', 'lateral', 'routine'], n)}`, images: 2 } },
    { key: said, version: 3, fact: { of: 'report', status: status === 'REPORT_READY' ? 'final' : isRead ? 'preliminary' : 'partial', ...(isRead && { words: 'No consolidation. Heart size normal. '.repeat(8) }), ...(status === 'REPORT_READY' && { issuedAt: at(40) }) } },
    step('i', 'ai-inference', status !== 'PENDING_AI', 1),
  ];
  if (status !== 'PENDING_AI' && status !== 'REJECTED') {
    facts.push({ key: ai, version: 1, fact: { of: 'observation', valid: true, finding: pick(labels, n), probability: (n % 1000) / 1000 } }, step('v', 'physician-verification', isRead, 10));
    if (isRead) facts.push({ key: clinical, version: 1, fact: { of: 'observation', valid: true, conclusion: n % 3 === 0 ? { code: 'pneumonia', text: 'Pneumonia', kind: 'abnormal' } : { code: 'no-abnormality', text: 'No abnormality found', kind: 'normal' } } }, step('p', 'pharmacist-review', status !== 'DOCTOR_VERIFIED', 20));
    if (status === 'PHARMACIST_COMPLETED' || status === 'REPORT_READY') facts.push(step('r', 'release-approval', status === 'REPORT_READY', 30));
  }
  return facts;
} // prettier-ignore

const idOf = (n: number) => `review-${String(n).padStart(7, '0')}`;

/** Rows as the server writes them, by the server's own statements; of the records only what those look at. */
export async function fill(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const query = async <Row>(text: string, values?: readonly unknown[]) => (await pool.query(text, values as unknown[])).rows as Row[]; // prettier-ignore
  const rows = postgresWorkRows({ query, prepared: query }, { baseUrl: '', timeZone: 'UTC' });
  for (let from = 0; from < reviews; from += batch) {
    const all = Array.from({ length: batch }, (_, i) => from + i);
    await query(
      `insert into record (type, id, version, updated, deleted, patients, withheld)
       select 'Task', id, 1, now(), false, array[patient], false from unnest($1::text[], $2::text[]) as one(id, patient)`,
      [all.map(idOf), all.map((n) => `p${n % 40_000}`)],
    );
    await rows.hold(all.map(idOf), []);
    await rows.keep(
      all.map((n) => {
        const known = factsOf(n);
        const row = rowOfFacts(idOf(n), known)!;
        const said = known.find(({ fact }) => fact.of === 'report')!.fact as { status: string };
        return { review: idOf(n), row, words: wordsOf(row), known, reportStatus: said.status };
      }),
    );
  }
  await query('vacuum analyze work_row');
  await pool.end();
}

const sorts = ['scan', 'patient', 'status', 'finding', 'confidence', 'uploaded', 'verified', 'priority'];
const lists: Record<string, string> = {
  ...Object.fromEntries(['pending', 'to-read', 'verified', 'all', 'ended', 'to-prescribe', 'prescribed', 'to-approve', 'released'].map((queue) => [`queue ${queue}`, `queue=${queue}`])),
  ...Object.fromEntries(sorts.flatMap((sort) => [[`all by ${sort}`, `queue=all&sort=${sort}`], [`all by -${sort}`, `queue=all&sort=-${sort}`]])),
  'to-read by patient': 'queue=to-read&sort=patient',
  'status filter': 'queue=all&status=DOCTOR_VERIFIED,AI_ANALYZED',
  'modality filter': 'queue=all&modality=MR',
  'finding filter': 'queue=all&finding=COVID',
  'priority filter': 'queue=all&priority=stat',
  'one day': 'queue=all&from=2026-11-20&to=2026-11-20',
  'half a year': 'queue=all&from=2026-06-01',
  mine: 'queue=all&mine=true',
  'text: a number': 'queue=all&text=ACC150123',
  'text: name and surname': 'queue=all&text=arjun%20rao',
  'text: begin of a name': 'queue=all&text=kav&sort=patient',
  'text: one letter': 'queue=all&text=a',
  'text: two letters, two words': 'queue=all&text=mu%20gar',
  'text: Tamil': `queue=all&text=${encodeURIComponent('குமார்')}`,
  'text: nothing found': 'queue=all&text=zzzz',
  'text: in what waits': 'queue=to-read&text=asha',
  'text and sort and filter': 'queue=all&text=rao%20chest&modality=CT&sort=-confidence',
}; // prettier-ignore
const counts = {
  doctor: 'of=pending,to-read,verified,all,ended,verified-by-me,completed-today',
  pharmacist: 'of=to-prescribe,prescribed,normal-due,abnormal-due,completed-today',
  admin: 'of=to-approve,released,patients-awaiting,abnormal-awaiting,submitted-today,completed-today',
};

/** The lists of work over HTTP at a large site: search, filters, sorts, pages far down, counts; with the audit row of each. */
export async function workBench(): Promise<void> {
  const server = await startServer({}, { demoData: true });
  try {
    await fill(server.databaseUrl());
    await timeLists(server.fhirUrl.replace(/\/fhir$/, ''));
  } finally {
    await server.stop();
  }
}

export async function timeLists(url: string): Promise<void> {
  for (const role of ['doctor', 'pharmacist', 'admin'] as const) {
    const { access_token } = await signIn(url, { email: `${role}@demo.csss.example`, password: demoPassword });
    const headers = { Authorization: `Bearer ${access_token}` };
    const ask = async (path: string) => {
      const answer = await expectStatus(await fetch(`${url}/portal/${path}`, { headers }), 200);
      return JSON.parse(Buffer.from(answer).toString()) as { next?: string; total?: number };
    };
    const timed = async (name: string, path: string) => {
      const { p50, p95 } = await measure(async () => void (await ask(path)), 40);
      const ours = `${p50.toFixed(1)} / ${p95.toFixed(1)}`;
      report(`${role}, ${name}, p50 / p95 ms`, ours, `p95 <= ${bound}`, `${(p95 / bound).toFixed(2)}x`);
    };
    await timed('counts', `work/counts?${counts[role]}`);
    const wanted = Object.entries(lists).filter(([name]) => role === 'doctor' || /queue |text|patient/.test(name));
    for (const [name, query] of wanted) await timed(name, `work?${query}`);
    if (role !== 'doctor') continue;
    await timed('a page far down', `work?queue=all&sort=patient&limit=100&after=${await farDown(ask)}`);
  }
}

async function farDown(ask: (path: string) => Promise<{ next?: string }>): Promise<string> {
  let next = '';
  for (let page = 0; page < 400; page++)
    next = (await ask(`work?queue=all&sort=patient&limit=100${next === '' ? '' : `&after=${next}`}`)).next!;
  return next;
}
