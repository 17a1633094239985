import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { streamOf } from '../../server/http/answer/stream-of.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from '../dicomweb/server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(() => server.close());

test('an answer whose client left before it was begun closes its file', async () => {
  const study = '2.25.4711';
  await server.store(imageFile({ study, series: `${study}.1`, instance: `${study}.1.1`, rows: 600, columns: 600 }));
  const { blobs } = server.world;
  let [opened, closed] = [0, 0];
  let leave = () => {};
  server.world.blobs = {
    ...blobs,
    async *lend(digest, range) {
      opened++;
      try {
        for await (const chunk of blobs.lend(digest, range)) {
          leave();
          await new Promise((later) => setTimeout(later, 100)); // the client is known to be gone when this comes
          yield chunk;
        }
      } finally {
        closed++;
      }
    },
  };
  for (const accept of [
    'application/dicom; transfer-syntax=*',
    'multipart/related; type="application/dicom"; transfer-syntax=*',
  ]) {
    const asking = request(`${server.base}/studies/${study}/series/${study}.1/instances/${study}.1.1`, {
      headers: { Authorization: 'Bearer all', Accept: accept },
    });
    leave = () => asking.destroy();
    const gone = new Promise((done) => asking.once('close', done));
    asking.on('error', () => undefined).end();
    await gone;
  }
  server.world.blobs = blobs;
  await expect.poll(() => [opened, closed]).toEqual([2, 2]);
});

test('a stream ends its iterator when it is read, when it is left in the middle, and when it was never read', async () => {
  for (const read of ['all', 'some', 'none']) {
    let ended = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        for (let n = 0; n < 5; n++) yield Buffer.alloc(n * 50_000);
      } finally {
        ended++;
      }
    }
    const iterator = chunks();
    const stream = streamOf(await iterator.next(), iterator);
    stream.on('error', () => undefined); // what leaving in the middle is to a stream
    if (read === 'all') for await (const chunk of stream) void chunk;
    else if (read === 'some') for await (const chunk of stream) if (chunk) break;
    stream.destroy();
    if (!stream.closed) await new Promise((done) => stream.once('close', done));
    expect([read, ended]).toEqual([read, 1]);
  }
});
