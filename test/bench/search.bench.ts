import { ctInstances, multipart, newUID } from './ct-instances.ts';
import { expectStatus, measure, report } from './measure.ts';
import { startOrthanc, type Peer } from './peers.ts';
import { startServer } from './server.ts';

const studies = 5000;
const make = ctInstances({ rows: 16, columns: 16 });

async function fill(peer: Peer, authorization: () => Promise<string | undefined>): Promise<void> {
  for (let from = 0; from < studies; from += 100) {
    const files = Array.from({ length: 100 }, (_, index) =>
      make({
        study: newUID(),
        series: newUID(),
        instance: newUID(),
        patient: `P${(from + index) % 1700}`,
        number: 1,
        accession: `A${from + index}`,
      }),
    );
    const { body, contentType } = multipart(files);
    const token = await authorization();
    const headers = {
      'Content-Type': contentType,
      Accept: 'application/dicom+json',
      ...(token ? { Authorization: token } : {}),
    };
    await expectStatus(
      await fetch(`${peer.url}/studies`, { method: 'POST', headers, body: new Uint8Array(body) }),
      200,
    );
  }
}

/** QIDO-RS among 5,000 studies: a page of 25, one accession number, a name prefix. */
export async function searchBench(): Promise<void> {
  const ours = await startServer();
  const orthanc = await startOrthanc();
  await fill(ours, () => ours.authorization());
  if (orthanc) await fill(orthanc, async () => undefined);
  const queries = {
    'page of 25': 'limit=25',
    'one accession number': 'AccessionNumber=A2718',
    'name prefix': 'PatientName=bench*&limit=25',
  };
  const token = await ours.authorization();
  for (const [name, query] of Object.entries(queries)) {
    const ask = (peer: Peer, headers: Record<string, string>) => async () => {
      const body = await expectStatus(
        await fetch(`${peer.url}/studies?${query}`, { headers: { Accept: 'application/dicom+json', ...headers } }),
        200,
      );
      if (body.byteLength < 100) throw new Error(`${name}: empty answer`);
    };
    const mine = await measure(ask(ours, { Authorization: token }), 100);
    const theirs = orthanc ? await measure(ask(orthanc, {}), 30) : undefined;
    report(
      `QIDO among ${studies} studies, ${name}, p50 / p95 ms`,
      `${mine.p50.toFixed(1)} / ${mine.p95.toFixed(1)}`,
      theirs ? `${theirs.p50.toFixed(1)} / ${theirs.p95.toFixed(1)}` : 'limit 20',
      theirs ? `${(theirs.p50 / mine.p50).toFixed(1)}x` : `${(mine.p50 / 20).toFixed(2)}x`,
    );
  }
  await orthanc?.stop();
  await ours.stop();
}
