import { setTimeout as sleep } from 'node:timers/promises';
import { demoPassword } from '../../server/demo/people.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { signIn } from '../harness/sign-in.ts';
import { multipart } from './ct-instances.ts';
import { report } from './measure.ts';
import { collection, images, observation, patient, questionnaire, reads, slide, structureSet, writes } from './pause-inputs.ts'; // prettier-ignore
import { startServer, type BenchServer } from './server.ts';

/** Nobody may wait longer for somebody else's request, in milliseconds. */
const longestAllowed = 50;

interface Target {
  ours: BenchServer;
  system: string;
  patient: string;
}

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Whose token; the backend's by default. */
  as?: 'patient' | 'nobody';
}

/**
 * The longest pause of the event loop while each route answers its dearest legal request. `PAUSE=expression` sends those only
 * whose name matches.
 */
export async function pauseBench(): Promise<void> {
  const ours = await startServer({}, { watch: true, demoData: true });
  try {
    const base = new URL(ours.url).origin;
    const { access_token: own, patient: person } = await signIn(base, {
      email: 'patient@demo.csss.example',
      password: demoPassword,
    });
    const target = { ours, system: await ours.authorization(), patient: `Bearer ${own}` };
    const send = (path: string, sent: Sent = {}) => sendTo(target, base, path, sent);
    const over: string[] = [];
    for (const [name, request] of requests(send, base, person!)) {
      if (!new RegExp(process.env.PAUSE ?? '').test(name)) continue;
      await sleep(300);
      await ours.longestPause();
      const start = performance.now();
      const answer = await request();
      const took = performance.now() - start;
      await sleep(100);
      const { elapsed, processor, memory } = await ours.longestPause();
      if (processor > longestAllowed) over.push(name);
      const pause = `${processor.toFixed(0)} ms${processor > longestAllowed ? ' !' : ''}`;
      report(name, pause, `${answer}, ${took.toFixed(0)} ms`, `${elapsed.toFixed(0)} / ${memory.toFixed(0)} MiB`);
    }
    report(`longest pause over ${longestAllowed} ms`, over.length === 0 ? 'none' : String(over.length), '', '');
  } finally {
    await ours.stop();
  }
}

async function sendTo({ system, patient }: Target, base: string, path: string, sent: Sent): Promise<string> {
  const authorization: Record<string, string> =
    sent.as === 'nobody' ? {} : { Authorization: sent.as === 'patient' ? patient : system };
  const answer = await fetch(base + path, {
    method: sent.method ?? (sent.body === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: { ...authorization, ...sent.headers },
    ...(sent.body !== undefined && { body: sent.body as string }),
  }).catch((error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error));
  if (typeof answer === 'string') return answer;
  let size = 0;
  for await (const chunk of answer.body ?? []) size += (chunk as Uint8Array).length;
  return `${answer.status} ${(size / 1024).toFixed(0)} KB`;
}

type Send = (path: string, sent?: Sent) => Promise<string>;
type Request = [name: string, send: () => Promise<string>];

/** In this order: later ones read what earlier ones wrote. */
function requests(send: Send, base: string, person: string): Request[] {
  return [...fhirRequests(send, person), ...studyRequests(send), ...smartRequests(send, base)];
}

const json = { 'Content-Type': 'application/fhir+json' };
const fhir = (send: Send, path: string, body: object, more: Sent = {}) =>
  send(`/fhir${path}`, { headers: json, body: JSON.stringify(body), ...more });

function fhirRequests(send: Send, person: string): Request[] {
  const binary = JSON.stringify({ resourceType: 'Binary', contentType: 'image/png', data: 'QUJD'.repeat(2_400_000) });
  const large = { ...observation(2000), id: 'large' };
  const put = (resource: object) => fhir(send, '/Observation/large', resource, { method: 'PUT' });
  return [
    ['fhir create, a Patient of 9,000 names', () => fhir(send, '/Patient', patient(9000))],
    ['fhir create, a Patient of 100,000 names', () => fhir(send, '/Patient', patient(100_000))],
    ['fhir create, an Observation of 40,000 components', () => fhir(send, '/Observation', observation(40_000))],
    ['fhir create, a Questionnaire of 30,000 items', () => fhir(send, '/Questionnaire', questionnaire(30_000))],
    ['fhir create, a Binary of 10 MB', () => send('/fhir/Binary', { headers: json, body: binary })],
    ['fhir create, content of 7 MB', () => send('/fhir/Binary', { headers: { 'Content-Type': 'image/png' }, body: Buffer.alloc(7 << 20) })], // prettier-ignore
    ['fhir create, 10 MB of brackets', () => send('/fhir/Patient', { headers: json, body: `[${'[],'.repeat(3_300_000)}[]]` })], // prettier-ignore
    ['fhir create, 10 MB of spaces', () => send('/fhir/Patient', { headers: json, body: `${' '.repeat(10_000_000)}{}` })], // prettier-ignore
    ['fhir update, a large record', () => put(large)],
    ['fhir update, the same again', () => put(large)],
    ['fhir update, one component more', () => put({ ...observation(2001), id: 'large' })],
    ['fhir patch, a large record', () => fhir(send, '/Observation/large', [{ op: 'replace', path: '/component/1500/valueInteger', value: 7 }], { method: 'PATCH', headers: { 'Content-Type': 'application/json-patch+json' } })], // prettier-ignore
    ['fhir patch, 200 operations', () => fhir(send, '/Observation/large', Array.from({ length: 200 }, (_, index) => ({ op: 'replace', path: `/component/${index}/valueInteger`, value: 7 })), { method: 'PATCH', headers: { 'Content-Type': 'application/json-patch+json' } })], // prettier-ignore
    ['fhir $validate, 3,000 items, a patient', () => fhir(send, '/Questionnaire/$validate', questionnaire(3000), { as: 'patient' })], // prettier-ignore
    ['fhir $validate, 20,000 items', () => fhir(send, '/Questionnaire/$validate', questionnaire(20_000))],
    ['fhir $validate, a Bundle of 5,000', () => fhir(send, '/Bundle/$validate', collection(5000))],
    ['fhir batch, 1,000 writes', () => fhir(send, '', writes('batch', 1000))],
    ['fhir transaction, 1,000 writes', () => fhir(send, '', writes('transaction', 1000))],
    ['fhir transaction, 100 of 200 components', () => fhir(send, '', writes('transaction', 100, 200))],
    ['fhir search, 1,000 records', () => send('/fhir/Observation?_count=1000')],
    ['fhir search, 1,000 records in part', () => send('/fhir/Observation?_count=1000&_elements=status')],
    ['fhir search, 1,000 records, pretty', () => send('/fhir/Observation?_count=1000&_pretty=true')],
    ['fhir search, 30 records of 3 MB', async () => { for (let n = 0; n < 30; n++) await send('/fhir/Binary', { headers: { 'Content-Type': 'image/png' }, body: Buffer.alloc(3 << 20) }); return send('/fhir/Binary?_count=1000&_sort=-_lastUpdated'); }], // prettier-ignore
    [
      'fhir search, 30 records of 3 MB in part',
      () => send('/fhir/Binary?_count=1000&_sort=-_lastUpdated&_summary=data'),
    ],
    ['fhir search, 99 _has', () => send(`/fhir/Patient?${'_has:Observation:patient:code=x&'.repeat(99)}`)],
    ['fhir search, 16 _has, a patient', () => send(`/fhir/Patient?${'_has:Observation:patient:code=x&'.repeat(16)}`, { as: 'patient' })], // prettier-ignore
    ['fhir search, chains of 4', () => send(`/fhir/Observation?${'subject:Patient.organization.partof.name=x&'.repeat(5)}`)], // prettier-ignore
    ['fhir search, 1,000 values', () => send(`/fhir/Observation?${`code=${'a,'.repeat(499)}a&`.repeat(2)}`)],
    ['fhir search, includes', () => send('/fhir/Patient?_count=1000&_revinclude=Observation:patient&_revinclude:iterate=*')], // prettier-ignore
    ['fhir search, form of 10 MB', () => send('/fhir/Patient/_search', { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: `name=a${'&name=b'.repeat(1_400_000)}` })], // prettier-ignore
    ['fhir batch, 1,000 searches', () => fhir(send, '', reads('Observation?_count=1000', 1000))],
    ['fhir history, of all', () => send('/fhir/_history?_count=1000')],
    ['fhir history, of a large record', () => send('/fhir/Observation/large/_history?_count=1000')],
    ['fhir everything, of a patient', () => send(`/fhir/Patient/${person}/$everything?_count=1000`)],
    ['fhir read, a large record', () => send('/fhir/Observation/large')],
    ['fhir read, a large record, pretty', () => send('/fhir/Observation/large?_pretty=true')],
  ];
}

const stow = (send: Send, files: readonly Uint8Array[]) => {
  const { body, contentType } = multipart(files);
  return send('/dicomweb/studies', {
    headers: { 'Content-Type': contentType, Accept: 'application/dicom+json' },
    body,
  });
};

function studyRequests(send: Send): Request[] {
  const [many, contours, tiles, frames] = [newUid(), newUid(), newUid(), newUid()];
  const image = newUid();
  const framed = imageFile({ study: frames, series: frames, instance: image, rows: 2, columns: 2, frames: 10_000 });
  const inFrames = `/dicomweb/studies/${frames}/series/${frames}/instances/${image}`;
  const inSlide = `/dicomweb/studies/${tiles}/series/${tiles}/instances/${tiles}`;
  const list = Array.from({ length: 7000 }, (_, index) => index % 9 + 1).join(','); // prettier-ignore
  return [
    ['stow, 3,000 images', () => stow(send, images(many, 3000))],
    [
      'stow, 1,000 studies',
      () =>
        stow(
          send,
          Array.from({ length: 1000 }, () => imageFile({ rows: 2, columns: 2 })),
        ),
    ],
    [
      'stow, 10 structure sets of 18 MB',
      () =>
        stow(
          send,
          Array.from({ length: 10 }, () => structureSet(contours)),
        ),
    ],
    ['stow, a slide of 60,000 tiles', () => stow(send, [slide(tiles, 60_000)])],
    ['stow, an image of 10,000 frames', () => stow(send, [framed])],
    ['stow, 14 KB of spaces in Content-Type', () => send('/dicomweb/studies', { headers: { 'Content-Type': `multipart/related; a=b${' '.repeat(14_000)}c; boundary=x` }, body: 'x' })], // prettier-ignore
    ['qido, studies', () => send('/dicomweb/studies?limit=10000&includefield=all')],
    ['qido, instances', () => send('/dicomweb/instances?limit=10000')],
    ['qido, instances with all attributes', () => send('/dicomweb/instances?limit=10000&includefield=all')],
    ['metadata, a study of 3,000 images', () => send(`/dicomweb/studies/${many}/metadata`)],
    ['metadata, 10 structure sets', () => send(`/dicomweb/studies/${contours}/metadata`)],
    ['metadata, a slide of 60,000 tiles', () => send(`/dicomweb/studies/${tiles}/metadata`)],
    ['frame, a slide of 60,000 tiles', () => send(`${inSlide}/frames/50000`)],
    ['rendered, a slide of 60,000 tiles', () => send(`${inSlide}/frames/50000/rendered`)],
    ['thumbnail, a slide of 60,000 tiles', () => send(`/dicomweb/studies/${tiles}/thumbnail`)],
    ['retrieve, a study of 3,000 images', () => send(`/dicomweb/studies/${many}`)],
    ['frames, a list of 7,000', () => send(`${inFrames}/frames/${list}`)],
    ['rendered, one frame', () => send(`${inFrames}/rendered`)],
    ['bulkdata, all pixels', () => send(`${inFrames}/bulkdata/7FE00010`)],
    ['accept, 64 ranges', () => send(`/dicomweb/studies/${many}`, { headers: { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=1.2.3;q=0.5, '.repeat(150) } })], // prettier-ignore
  ];
}

function smartRequests(send: Send, base: string): Request[] {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const assertion = `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&grant_type=client_credentials&client_assertion=${'a.'.repeat(20_000)}`; // prettier-ignore
  return [
    ['smart, a sign-in', async () => { const { token_type } = await signIn(base, { email: 'doctor@demo.csss.example', password: demoPassword }); return token_type; }], // prettier-ignore
    [
      'smart, a token for a long assertion',
      () => send('/oidc/token', { headers: form, body: assertion, as: 'nobody' }),
    ],
    ['smart, introspection of a long token', () => send('/oidc/token/introspection', { headers: form, body: `token=${'a.'.repeat(20_000)}`, as: 'nobody' })], // prettier-ignore
    ['smart, authorization with many parameters', () => send(`/oidc/auth?${'scope=openid&'.repeat(1000)}`, { as: 'nobody' })], // prettier-ignore
    ['smart, cookies of 14 KB', () => send('/oidc/auth', { headers: { Cookie: 'a=b; '.repeat(2800) }, as: 'nobody' })],
    ['smart, a token of 14 KB', () => send('/fhir/Patient', { headers: { Authorization: `Bearer ${'a.'.repeat(7000)}` } })], // prettier-ignore
  ];
}
