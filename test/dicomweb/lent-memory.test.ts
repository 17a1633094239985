import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

// Memory of what comes and goes is used again at once: nobody may see bytes of somebody else in it.
let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const stored = 'application/dicom; transfer-syntax=*';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const names = () => ({ study: newUid(), series: newUid(), instance: newUid() });
const pathOf = ({ study, series, instance }: ReturnType<typeof names>) =>
  `/studies/${study}/series/${series}/instances/${instance}`;

function slice(name: ReturnType<typeof names>, rows: number) {
  return imageFile({ ...name, rows, columns: 256, pixels: randomBytes(rows * 512) });
}

function post(body: Buffer, pieces: Iterable<number>): Promise<number> {
  return new Promise((done, fail) => {
    const sent = request(
      `${server.base}/studies`,
      {
        method: 'POST',
        headers: { 'Content-Type': 'multipart/related; type="application/dicom"; boundary=bb', Authorization: 'Bearer all' },
      },
      (answer) => answer.resume().once('end', () => done(answer.statusCode!)),
    ); // prettier-ignore
    sent.once('error', fail);
    void (async () => {
      let at = 0;
      for (const length of pieces) {
        if (at >= body.length) break;
        const full = !sent.write(body.subarray(at, (at += length)));
        if (full) await new Promise((drained) => sent.once('drain', drained));
      }
      sent.end(body.subarray(at));
    })();
  });
}

function* lengths(seed: number): Generator<number> {
  for (let n = seed; ; n = (n * 48_271) % 2_147_483_647) yield [1, 2, 71, 1_460, 16_384, 65_536, 200_000][n % 7]!;
}

test('a body in pieces of any length is stored byte for byte, whatever stands at their seams', async () => {
  for (const seed of [5, 11, 123_457]) {
    const own = [1, 7, 130, 500, 999, 2, 640, 33].map((rows) => {
      const name = names();
      return { name, file: slice(name, rows) };
    });
    const body = Buffer.concat([
      ...own.flatMap(({ file }) => [Buffer.from('\r\n--bb\r\nContent-Type: application/dicom\r\n\r\n'), file]),
      Buffer.from('\r\n--bb--\r\n'),
    ]);
    expect(await post(body, lengths(seed))).toBe(200);
    for (const { name, file } of own) {
      const { body: given } = await server.get(pathOf(name), { accept: stored });
      expect(sha256(given)).toBe(sha256(file));
    }
  }
}, 60_000);

test('many readers at once, slow ones and such that leave, get the bytes of their own instance only', async () => {
  const made = [300, 1_200, 40, 2_500].map((rows) => {
    const name = names();
    return { name, file: slice(name, rows) };
  });
  await server.store(...made.map(({ file }) => file));
  const read = (path: string, behave: 'fast' | 'slow' | 'leave') =>
    new Promise<string>((done) => {
      request(`${server.base}${path}`, { headers: { Accept: stored, Authorization: 'Bearer all' } }, (answer: IncomingMessage) => {
        const hash = createHash('sha256');
        const take = async () => {
          for await (const chunk of answer) {
            hash.update(chunk as Uint8Array);
            if (behave === 'leave') return answer.destroy();
            if (behave === 'slow') await sleep(3);
          }
        };
        take().then(() => done(hash.digest('hex')), () => done('left'));
      }).end(); // prettier-ignore
    });
  const rounds = Array.from({ length: 48 }, (_, n) => ({
    ...made[n % made.length]!,
    behave: (['fast', 'slow', 'leave'] as const)[n % 3]!,
  }));
  const answers = await Promise.all(rounds.map(({ name, behave }) => read(pathOf(name), behave)));
  for (const [n, { file, behave }] of rounds.entries()) if (behave !== 'leave') expect(answers[n]).toBe(sha256(file));
}, 60_000);

test('a file that is damaged after it was read is not given out whole', async () => {
  const name = names();
  const file = slice(name, 1_500);
  await server.store(file);
  expect((await server.get(pathOf(name), { accept: stored })).body.equals(file)).toBe(true);
  const bad = Buffer.from(file);
  bad[bad.length - 5]! ^= 1;
  await writeFile(server.world.blobs.pathOf(sha256(file)), bad);
  const answer = await server.get(pathOf(name), { accept: stored }).catch(() => undefined);
  expect(answer?.status === 200 && answer.body.length === file.length).toBe(false);
  server.faults.splice(0); // it is one
});
