import { ctInstances, multipart, newUID } from './ct-instances.ts';
import { expectStatus, median, report } from './measure.ts';
import { startOrthanc, type Peer } from './peers.ts';
import { startServer } from './server.ts';

const make = ctInstances({ rows: 512, columns: 512 });

function study(count: number): { uid: string; body: Buffer; contentType: string } {
  const [uid, series] = [newUID(), newUID()];
  const files = Array.from({ length: count }, (_, index) =>
    make({ study: uid, series, instance: newUID(), patient: 'BENCH1', number: index + 1, accession: uid.slice(-10) }),
  );
  return { uid, ...multipart(files) };
}

async function store(
  peer: Peer,
  authorization: string | undefined,
  { body, contentType }: ReturnType<typeof study>,
): Promise<number> {
  const before = performance.now();
  const answer = await fetch(`${peer.url}/studies`, {
    method: 'POST',
    headers: {
      'Content-Type': contentType,
      Accept: 'application/dicom+json',
      ...(authorization ? { Authorization: authorization } : {}),
    },
    body: new Uint8Array(body),
  });
  await expectStatus(answer, 200);
  return (performance.now() - before) / 1000;
}

/** STOW-RS of 100 CT slices in one request, ours and Orthanc's in turns; then 1 GiB while watching memory. */
export async function storeBench(): Promise<void> {
  const ours = await startServer();
  const orthanc = await startOrthanc();
  const rates = { ours: [] as number[], orthanc: [] as number[] };
  for (let round = 0; round < 6; round++) {
    const sent = study(100);
    const seconds = await store(ours, await ours.authorization(), sent);
    if (round > 0) rates.ours.push(100 / seconds);
    if (round === 5) await oneVersion(ours, sent.uid);
    if (orthanc) {
      const theirs = await store(orthanc, undefined, study(100));
      if (round > 0) rates.orthanc.push(100 / theirs);
    }
  }
  const [mine, theirs] = [median(rates.ours), orthanc ? median(rates.orthanc) : undefined];
  report(
    'STOW 100 x CT 512x512, one request, instances/s',
    mine.toFixed(0),
    theirs?.toFixed(0) ?? 'no Orthanc',
    theirs ? `${(mine / theirs).toFixed(2)}x` : '',
  );
  await orthanc?.stop();
  await memoryWhileStoring(ours);
  await ours.stop();
}

async function oneVersion(ours: Awaited<ReturnType<typeof startServer>>, uid: string): Promise<void> {
  const answer = await fetch(`${ours.fhirUrl}/ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`, {
    headers: { Authorization: await ours.authorization() },
  });
  const bundle = (await answer.json()) as {
    entry: { resource: { meta: { versionId: string }; numberOfInstances: number } }[];
  };
  const found = bundle.entry[0]!.resource;
  report(
    'ImagingStudy after that request',
    `version ${found.meta.versionId}, ${found.numberOfInstances} inst.`,
    'version 1, 100 inst.',
    '',
  );
}

async function memoryWhileStoring(ours: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  const start = ours.memory();
  let peak = start;
  const watch = setInterval(() => (peak = Math.max(peak, ours.memory())), 50);
  for (let sent = 0; sent < 1024; sent += 50) await store(ours, await ours.authorization(), study(100));
  clearInterval(watch);
  report(
    'memory of the server while 1 GiB is stored, MiB',
    `peak ${peak.toFixed(0)}`,
    'limit 400',
    `${(peak / 400).toFixed(2)}x`,
  );
}
