/**
 * Files that a hostile or broken sender could store, and then everything that can be asked of what was stored. The usual
 * run is short; `HOSTILE_FILES=6000` makes it long, `HOSTILE_SEED` another one.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dicomwebServer, type DicomwebServer } from '../dicomweb/server.ts';
import { cook, recipe, type Recipe } from './mutated-dicom.ts';

const files = Number(process.env['HOSTILE_FILES'] ?? 240);
const seed = Number(process.env['HOSTILE_SEED'] ?? 20261127);
const batch = 12;

let server: DicomwebServer;
beforeAll(async () => (server = await dicomwebServer()));
afterAll(() => server.close());

const count = { files: 0, stored: 0, asked: 0 };
/** What went wrong, each kind once. */
const faults = new Map<string, string>();

async function stow(bodies: Buffer[]): Promise<{ status: number; urls: string[] }> {
  const boundary = 'b0undary-of-this-test';
  const parts = bodies.flatMap((body) => [Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), body]); // prettier-ignore
  const response = await fetch(`${server.base}/studies`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer all',
      'Content-Type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
    },
    body: new Uint8Array(Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)])),
  });
  const answer = (await response.json()) as Record<string, { Value?: Record<string, { Value?: unknown[] }>[] }>;
  const references = answer['00081199']?.Value ?? [];
  // "Processing failure" is what is told of our own faults.
  if (answer['00081198']?.Value?.some((item) => item['00081197']?.Value?.[0] === 0x0110)) faults.set('0110', 'store');
  return { status: response.status, urls: references.map((item) => String(item['00081190']!.Value![0])) };
}

async function ask(url: string, accept: string): Promise<void> {
  const reply = await server.get(url, { accept });
  count.asked++;
  if (reply.status < 500) return;
  const said = reply.body.toString('utf8', 0, 120);
  faults.set(`${reply.status} ${url.replace(/.*\/instances\/[0-9.]+/, '')} ${accept}`, said);
}

async function askAll(url: string): Promise<void> {
  await ask(`${url}/metadata`, 'application/dicom+json');
  await ask(`${url}/metadata`, 'multipart/related; type="application/dicom+xml"');
  await ask(`${url}/rendered`, 'image/jpeg');
  await ask(`${url}/rendered`, 'image/gif, text/html, video/*, application/pdf');
  await ask(`${url}/bulkdata`, 'multipart/related; type="application/octet-stream"');
  await ask(`${url}/pixeldata`, 'multipart/related; type="image/jpeg"; transfer-syntax=*');
  await ask(url, 'application/zip');
  await ask(`${url}/frames/1/rendered?viewport=64,64`, 'image/png');
  await ask(`${url}/frames/1`, 'multipart/related; type="application/octet-stream"; transfer-syntax=*');
  await ask(`${url}/frames/1`, 'multipart/related; type="application/octet-stream"');
  await ask(url, 'multipart/related; type="application/dicom"; transfer-syntax=*');
  const [, study, , instance] = /studies\/([0-9.]+)\/series\/([0-9.]+)(\/instances\/([0-9.]+))/.exec(url)!;
  await ask(`${server.base}/studies?StudyInstanceUID=${study}&includefield=all`, 'application/dicom+json');
  await ask(`${server.base}/instances?SOPInstanceUID=${instance ?? '1.2'}&includefield=all`, 'application/dicom+json');
}

test(
  'no file makes the server fail, and what was stored can be asked for anything',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(recipe, { minLength: batch, maxLength: batch }), async (recipes: Recipe[]) => {
        const bodies = recipes.map((one, i) => cook(one, `H-${count.files + i}`));
        count.files += bodies.length;
        const { status, urls } = await stow(bodies);
        if (![200, 202, 409].includes(status)) faults.set(`${status} store`, '');
        count.stored += urls.length;
        for (const url of urls) await askAll(url);
        for (const fault of server.faults.splice(0)) faults.set(String(fault), String((fault as Error).stack));
      }),
      { numRuns: Math.ceil(files / batch), seed, endOnFailure: true },
    );
    if (files > 1000) process.stderr.write(`${JSON.stringify({ seed, ...count })}\n`);
    expect([...faults]).toEqual([]);
    // A run in which nearly nothing is stored says nothing.
    expect(count.stored).toBeGreaterThan(count.files / 5);
  },
  30_000 + files * 500,
);
