import { spawn } from 'node:child_process';
import { ctInstances, multipart, newUID } from './ct-instances.ts';
import { agent, ask } from './light-client.ts';
import { expectStatus, measure, report, type Times } from './measure.ts';
import { freePort, startOrthanc, untilAnswers, type Peer } from './peers.ts';
import { startServer, type BenchServer } from './server.ts';

const slices = 60;

interface Stored {
  study: string;
  series: string;
  instances: string[];
}

/** A study of CT slices of 512 KiB. */
async function stored(peer: Peer, headers: Record<string, string>, rows: number, count: number): Promise<Stored> {
  const names = { study: newUID(), series: newUID() };
  const make = ctInstances({ rows, columns: rows });
  const instances = Array.from({ length: count }, newUID);
  for (let at = 0; at < count; at += 20) {
    const files = instances.slice(at, at + 20).map((instance, i) =>
      make({ ...names, instance, patient: 'READ1', number: at + i + 1, accession: names.study.slice(-10) }),
    ); // prettier-ignore
    const { body, contentType } = multipart(files);
    const answer = await fetch(`${peer.url}/studies`, {
      method: 'POST',
      headers: { 'Content-Type': contentType, Accept: 'application/dicom+json', ...headers },
      body: new Uint8Array(body),
    });
    await expectStatus(answer, 200);
  }
  return { ...names, instances };
}

interface Work {
  name: string;
  path: (stored: Stored, index: number) => string;
  accept: string;
  least: number;
  count: number;
  /** How many things one request gives. */
  each?: number;
}

const octets = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const files = 'multipart/related; type="application/dicom"; transfer-syntax=*';
const oneOf = ({ study, series, instances }: Stored, index: number) =>
  `/studies/${study}/series/${series}/instances/${instances[index % instances.length]}`;

const works: Work[] = [
  { name: 'frame 512x512', path: (s, i) => `${oneOf(s, i)}/frames/1`, accept: octets, least: 524_288, count: 1_000 },
  { name: 'instance 512 KB', path: oneOf, accept: files, least: 524_288, count: 1_000 },
  { name: 'study of 60', path: ({ study }) => `/studies/${study}`, accept: files, least: slices * 524_288, count: 24, each: slices },
  { name: 'metadata of one', path: (s, i) => `${oneOf(s, i)}/metadata`, accept: 'application/dicom+json', least: 500, count: 1_000 },
  { name: 'metadata of 60', path: ({ study }) => `/studies/${study}/metadata`, accept: 'application/dicom+json', least: 10_000, count: 100 },
  { name: 'rendered JPEG, again', path: (s, i) => `${oneOf(s, i)}/rendered`, accept: 'image/jpeg', least: 5_000, count: 600 },
]; // prettier-ignore

interface Side {
  peer: Peer;
  stored: Stored;
  headers: () => Promise<Record<string, string>>;
  /** Seconds of processor time so far. */
  cpu: () => number;
}

async function run(side: Side, work: Work, callers: number): Promise<Times & { cpu: number }> {
  const headers = { Accept: work.accept, ...(await side.headers()) };
  const count = side.peer.url.includes('dicom-web') ? Math.ceil(work.count / 2) : work.count;
  const before = side.cpu();
  const times = await measure(
    async (index) => {
      const { status, length } = await ask(side.peer.url + work.path(side.stored, index), headers);
      if (status !== 200 || length < work.least) throw new Error(`${work.name}: ${status} with ${length} bytes`);
    },
    count,
    callers,
  );
  return { ...times, cpu: ((side.cpu() - before) * 1000) / (count + 20) };
}

/** What Node itself needs to send as many bytes: a process of its own with one buffer. */
async function bareNode(): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const script = `const b=Buffer.alloc(524600);require('node:http').createServer((q,r)=>{r.writeHead(200,{'Content-Length':b.length});r.end(b)}).listen(${port},'127.0.0.1')`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url);
  return { url, stop: () => void child.kill() };
}

/** Reading one study in all its ways, ours and Orthanc's in turns, beside what Node needs to send the same bytes. */
export async function readBench(): Promise<void> {
  const ours: BenchServer = await startServer();
  const orthanc = await startOrthanc();
  const mine = { Authorization: await ours.authorization() };
  const sides: Side[] = [
    { peer: ours, stored: await stored(ours, mine, 512, slices), cpu: ours.processorSeconds, headers: async () => ({ Authorization: await ours.authorization() }) },
    ...(orthanc ? [{ peer: orthanc, stored: await stored(orthanc, {}, 512, slices), cpu: orthanc.processorSeconds, headers: () => Promise.resolve({}) }] : []),
  ]; // prettier-ignore
  const bare = await bareNode();
  for (const callers of [1, 4]) {
    const floor = await measure(async () => void (await ask(bare.url, {})), 1_000, callers);
    report(`bare Node, 512 KB, ${callers} at once, a second`, floor.rate.toFixed(0), '', '');
    for (const work of works) {
      const done: (Times & { cpu: number })[] = [];
      for (const side of sides) done.push(await run(side, work, callers));
      const [a, b] = done;
      const { each = 1 } = work;
      const said = ({ rate, p50, p95, cpu }: Times & { cpu: number }) =>
        `${(rate * each).toFixed(0)}/s ${p50.toFixed(1)}/${p95.toFixed(1)} ${cpu.toFixed(1)}`;
      report(`${work.name}, ${callers} at once: rate p50/p95 CPU ms`, said(a!), b ? said(b) : 'no Orthanc', b ? `${(a!.rate / b.rate).toFixed(2)}x` : ''); // prettier-ignore
    }
  }
  report('memory after all that, MiB', ours.memory().toFixed(0), '450', '');
  bare.stop();
  agent.destroy();
  await orthanc?.stop();
  await ours.stop();
}
