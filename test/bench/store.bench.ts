import { ctInstances, multipart, newUID } from './ct-instances.ts';
import { agent, ask } from './light-client.ts';
import { expectStatus, report } from './measure.ts';
import { startOrthanc, type Peer, type PeerServer } from './peers.ts';
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

const [perRequest, requests] = [20, 30];

interface Side {
  peer: PeerServer;
  headers: () => Promise<Record<string, string>>;
}

/** Instances a second and milliseconds of processor time for each; every request is a new study. */
async function rate({ peer, headers }: Side, callers: number): Promise<{ rate: number; cpu: number }> {
  const sent = Array.from({ length: requests }, () => study(perRequest));
  const own = { Accept: 'application/dicom+json', ...(await headers()) };
  const [before, start] = [peer.processorSeconds(), performance.now()];
  let next = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < sent.length) {
        const { body, contentType } = sent[next++]!;
        const { status } = await ask(`${peer.url}/studies`, { ...own, 'Content-Type': contentType }, { method: 'POST', bytes: body }); // prettier-ignore
        if (status !== 200) throw new Error(`stored with ${status}`);
      }
    }),
  );
  const count = perRequest * requests;
  return {
    rate: (count * 1000) / (performance.now() - start),
    cpu: ((peer.processorSeconds() - before) * 1000) / count,
  };
}

/** STOW-RS of CT slices, 20 a request, ours and Orthanc's in turns; then 100 in one, and 1 GiB while watching memory. */
export async function storeBench(): Promise<void> {
  const ours = await startServer();
  const orthanc = await startOrthanc();
  const sides: Side[] = [
    { peer: ours, headers: async () => ({ Authorization: await ours.authorization() }) },
    ...(orthanc ? [{ peer: orthanc, headers: () => Promise.resolve({}) }] : []),
  ];
  for (const side of sides) await rate(side, 1); // warm
  for (const callers of [1, 4]) {
    const [mine, theirs] = [await rate(sides[0]!, callers), sides[1] && (await rate(sides[1], callers))];
    const said = ({ rate: a, cpu }: { rate: number; cpu: number }) => `${a.toFixed(0)}/s ${cpu.toFixed(1)} ms`;
    report(`STOW CT 512x512, 20 a request, ${callers} at once, CPU`, said(mine), theirs ? said(theirs) : 'no Orthanc', theirs ? `${(mine.rate / theirs.rate).toFixed(2)}x` : ''); // prettier-ignore
  }
  const many = study(100);
  await store(ours, await ours.authorization(), many);
  await oneVersion(ours, many.uid);
  await orthanc?.stop();
  await memoryWhileStoring(ours);
  agent.destroy();
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
