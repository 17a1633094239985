import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPrinter, type Printer } from '../../../server/infrastructure/pdf/printer.ts';

let printer: Printer;
let folder: string;
let server: Server;
const asked: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-pdf-'));
  printer = await startPrinter({
    cacheFolder: folder,
    ...(process.env['CHROMIUM_PATH'] && { chromiumPath: process.env['CHROMIUM_PATH'] }),
  });
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('secret from inside');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  await printer.close();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const page = (body: string) =>
  `<!doctype html><html lang="en"><head><title>A title</title><style>body { font-family: 'Noto Sans' }</style></head><body>${body}</body></html>`;

/** pdftotext, where this machine has it. */
async function textOf(pdf: Uint8Array): Promise<string | undefined> {
  const file = join(folder, `${Math.random()}.pdf`);
  await writeFile(file, pdf);
  try {
    return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}

test('a browser is found, and says which', () => {
  expect(printer.state()).toMatchObject({ ready: true });
});

test('text comes out as it went in: accents, Greek, Cyrillic, line breaks', async () => {
  const pdf = await printer.print(page('<p>Łukasz Çelik, Ωμέγα, Пациент, naïve<br>second line</p>'));
  expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
  const text = await textOf(pdf);
  if (text === undefined) return;
  expect(text).toContain('Łukasz Çelik, Ωμέγα, Пациент, naïve');
  expect(text).toContain('second line');
});

test('no script runs, and nothing is fetched: not images, frames, styles, fonts, redirects or files', async () => {
  const inside = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pdf = await printer.print(
    page(`<p>before</p>
      <script>document.body.innerHTML = 'RAN'; fetch('${inside}/script')</script>
      <img src="${inside}/image" onerror="document.title='RAN'"><iframe src="${inside}/frame"></iframe>
      <link rel="stylesheet" href="${inside}/style"><style>@import url('${inside}/import'); p { background: url('${inside}/css') }</style>
      <object data="${inside}/object"></object><embed src="${inside}/embed"><svg><image href="${inside}/svg"/></svg>
      <video src="${inside}/video"></video>
      <iframe src="file:///etc/passwd"></iframe><iframe srcdoc="<script>top.document.body.innerHTML='RAN'</script>"></iframe>`),
  );
  expect(asked).toEqual([]);
  const text = await textOf(pdf);
  if (text === undefined) return;
  expect(text).toContain('before');
  for (const leak of ['RAN', 'secret', 'root:']) expect(text).not.toContain(leak);
});

test('a page cannot send itself elsewhere', async () => {
  const inside = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Whether the blocked navigation comes before or after the print is a race; printing or refusing are both fine.
  const attempt = printer.print(page(`<p>x</p><meta http-equiv="refresh" content="0; url=${inside}/refresh">`));
  const pdf = await attempt.catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'transient' });
    return undefined;
  });
  expect(asked).toEqual([]);
  if (pdf) expect((await textOf(pdf)) ?? '').not.toContain('secret');
  expect((await printer.print(page('<p>next</p>'))).length).toBeGreaterThan(1000);
});

test('nothing of one patient is left for the next', async () => {
  await printer.print(page('<p>first patient</p>'));
  const text = await textOf(await printer.print(page('<p>second</p>')));
  expect(text ?? '').not.toContain('first patient');
});

test('reports at the same time come out each with its own text', async () => {
  const pdfs = await Promise.all([1, 2, 3].map((n) => printer.print(page(`<p>number ${n}</p>`))));
  const texts = await Promise.all(pdfs.map(textOf));
  texts.forEach((text, i) => text === undefined || expect(text).toContain(`number ${i + 1}`));
});

test('a page that takes too long is ended with its browser, and the next report gets a new one', async () => {
  const hasty = await startPrinter({ cacheFolder: folder, timeoutMs: 1 });
  await expect(hasty.print(page('<p>slow</p>'))).rejects.toMatchObject({ code: 'timeout' });
  await hasty.close();
  expect((await printer.print(page('<p>fine</p>'))).length).toBeGreaterThan(1000);
});

test('the browser is replaced after its share of reports', async () => {
  const often = await startPrinter({ cacheFolder: folder, recycleAfter: 1 });
  for (let i = 0; i < 3; i++) expect((await often.print(page('<p>again</p>'))).length).toBeGreaterThan(1000);
  await often.close();
});

test('a configured browser that is not there is said, and no other is taken', async () => {
  const none = await startPrinter({ chromiumPath: join(folder, 'nothing'), cacheFolder: folder });
  expect(none.state()).toEqual({ ready: false, reason: 'CHROMIUM_PATH names no file' });
  await expect(none.print(page('x'))).rejects.toMatchObject({ code: 'transient' });
  await none.close();
});

test('a browser that is no browser is said, and after three failures not tried again at once', async () => {
  const fake = join(folder, 'fake');
  await writeFile(fake, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  const broken = await startPrinter({ chromiumPath: fake, cacheFolder: folder });
  expect(broken.state().ready).toBe(false);
  for (let i = 0; i < 4; i++) await expect(broken.print(page('x'))).rejects.toMatchObject({ code: 'transient' });
  await broken.close();
});
