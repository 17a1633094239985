import { ctInstances, multipart, newUID } from './ct-instances.ts';
import { expectStatus, measure, report } from './measure.ts';
import { startOrthanc, type Peer } from './peers.ts';
import { startServer } from './server.ts';

const rows = 256;
const frameBytes = rows * rows * 2;

/** One frame of a 60-frame object: a range of the file, so the time must not grow with the object. */
export async function frameBench(): Promise<void> {
  const ours = await startServer();
  const orthanc = await startOrthanc();
  const names = { study: newUID(), series: newUID(), instance: newUID() };
  const { body, contentType } = multipart([
    ctInstances({ rows, columns: rows, frames: 60 })({ ...names, patient: 'XA1', number: 1, accession: 'XA1' }),
  ]);
  const authorization = await ours.authorization();
  const send = (peer: Peer, headers: Record<string, string>) =>
    fetch(`${peer.url}/studies`, {
      method: 'POST',
      headers: { 'Content-Type': contentType, Accept: 'application/dicom+json', ...headers },
      body: new Uint8Array(body),
    }).then((answer) => expectStatus(answer, 200));
  await send(ours, { Authorization: authorization });
  if (orthanc) await send(orthanc, {});
  const frame = (peer: Peer, headers: Record<string, string>) => async (index: number) => {
    const url = `${peer.url}/studies/${names.study}/series/${names.series}/instances/${names.instance}/frames/${(index % 60) + 1}`;
    const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
    const bytes = await expectStatus(await fetch(url, { headers: { Accept: accept, ...headers } }), 200);
    if (bytes.byteLength < frameBytes) throw new Error('the frame is too short');
  };
  const mine = await measure(frame(ours, { Authorization: authorization }), 600);
  const theirs = orthanc ? await measure(frame(orthanc, {}), 100) : undefined;
  report(
    'frame of a 60-frame object, p50 / p95 ms',
    `${mine.p50.toFixed(1)} / ${mine.p95.toFixed(1)}`,
    theirs ? `${theirs.p50.toFixed(1)} / ${theirs.p95.toFixed(1)}` : 'no Orthanc',
    theirs ? `${(theirs.p50 / mine.p50).toFixed(1)}x` : '',
  );
  await orthanc?.stop();
  await ours.stop();
}
