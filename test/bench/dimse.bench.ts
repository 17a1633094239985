import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ctInstances, newUID } from './ct-instances.ts';
import { median, report } from './measure.ts';
import { freePort, startOrthanc } from './peers.ts';
import { startServer } from './server.ts';

const run = promisify(execFile);
const make = ctInstances({ rows: 512, columns: 512 });
const images = 100;
const rounds = 3;

interface Receiver {
  title: string;
  port: number;
}

/** C-STORE of CT slices by storescu, ours and Orthanc's in turns, at one and at four associations; then what one association costs in memory. */
export async function dimseBench(): Promise<void> {
  if (!existsSync('/usr/bin/storescu')) return void report('C-STORE by storescu', 'no dcmtk', '', '');
  const folder = await mkdtemp(join(tmpdir(), 'csss-bench-dimse-'));
  const port = await freePort();
  const ours = await startServer({ DIMSE_PORT: String(port) }, { demoData: true });
  const orthanc = await startOrthanc();
  for (const associations of [1, 4]) {
    const rates = { ours: [] as number[], orthanc: [] as number[] };
    let cpu = 0;
    for (let round = 0; round < rounds; round++) {
      const before = ours.processorSeconds();
      rates.ours.push(await stored(folder, { title: 'CSSS', port }, associations));
      cpu = (ours.processorSeconds() - before) / (images * associations);
      if (orthanc)
        rates.orthanc.push(await stored(folder, { title: 'ORTHANC', port: orthanc.dicomPort }, associations));
    }
    // The first round warms both.
    const [mine, theirs] = [median(rates.ours.slice(1)), orthanc && median(rates.orthanc.slice(1))];
    report(
      `C-STORE CT 512x512, ${associations} association(s), instances/s`,
      `${mine.toFixed(0)} (${(cpu * 1000).toFixed(1)} ms CPU)`,
      theirs?.toFixed(0) ?? 'no Orthanc',
      theirs === undefined ? '' : `${(mine / theirs).toFixed(2)}x`,
    );
  }
  report('memory after that, with its model sessions, MiB', ours.memory().toFixed(0), '', '');
  await orthanc?.stop();
  await ours.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A study for each association, sent at the same time. */
async function stored(folder: string, { title, port }: Receiver, associations: number): Promise<number> {
  const studies = await Promise.all(Array.from({ length: associations }, (_, i) => study(folder, i)));
  const before = performance.now();
  await Promise.all(
    studies.map((files) =>
      run('storescu', ['-aet', 'MODALITY', '-aec', title, '127.0.0.1', String(port), ...files], {
        env: { ...process.env, TCP_NODELAY: '1' },
      }),
    ),
  );
  return (images * associations) / ((performance.now() - before) / 1000);
}

async function study(folder: string, number: number): Promise<string[]> {
  const names = { study: newUID(), series: newUID(), patient: `B${Date.now() % 1e8}${number}`, accession: '' };
  await mkdir(join(folder, String(number)), { recursive: true });
  return Promise.all(
    Array.from({ length: images }, async (_, i) => {
      const path = join(folder, String(number), `${i}.dcm`);
      await writeFile(path, make({ ...names, instance: newUID(), number: i + 1 }));
      return path;
    }),
  );
}
