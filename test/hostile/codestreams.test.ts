/** Codestreams that were damaged on their way: refused or read, and the server goes on. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from '../dicomweb/server.ts';

let server: DicomwebServer;
beforeAll(async () => void (server = await dicomwebServer()), 60_000);
afterAll(() => server.close());

interface Codestream {
  name: string;
  syntax: string;
  samples: number;
  bits: number;
  signed: boolean;
  photometric: string;
  data: string;
}
const all = JSON.parse(
  readFileSync(new URL('../infrastructure/codecs/codestreams.json', import.meta.url), 'utf8'),
) as Codestream[];
const syntaxes = [...new Set(all.map(({ syntax }) => syntax))];

async function statusOf({ syntax, samples, bits, signed, photometric }: Codestream, bytes: Buffer): Promise<number> {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const even = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
  const values = [['00280002', 'US', samples], ['00280004', 'CS', photometric], ['00280006', 'US', 0], ['00280101', 'US', bits], ['00280102', 'US', bits - 1], ['00280103', 'US', Number(signed)]] as const; // prettier-ignore
  const picture = { rows: 9, columns: 13, bits: bits > 8 ? 16 : 8, transferSyntax: syntax, with: values };
  await server.store(imageFile({ study, series, instance, ...picture, pixels: { fragments: [even] } }));
  const path = `/studies/${study}/series/${series}/instances/${instance}/frames/1`;
  return (await server.get(path, { accept: 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1' })).status;
}

it.each(syntaxes)('in %s', { timeout: 60_000 }, async (syntax) => {
  const stream = all.find((one) => one.syntax === syntax)!;
  const good = Buffer.from(stream.data, 'base64');
  let seed = syntax.length;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let round = 0; round < 3; round++) {
    const damaged = Buffer.from(good);
    for (let n = 0; n <= round; n++) damaged[random(good.length)]! ^= 1 << random(8);
    expect([200, 400, 406, 422]).toContain(await statusOf(stream, damaged));
  }
  expect([400, 406, 422]).toContain(await statusOf(stream, good.subarray(0, good.length >> 1)));
  expect(await statusOf(stream, good)).toBe(200);
  expect(server.faults).toEqual([]);
});
