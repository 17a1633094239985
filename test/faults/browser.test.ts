import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browsers } from '../../server/infrastructure/pdf/find-browser.ts';
import { caller, eventually } from '../harness/calls.ts';
import { createPatient, storeImage, type Load } from '../harness/load.ts';
import { temporaryFolder } from '../harness/server-process.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const page = '<!doctype html><html lang="en"><head><title>t</title></head><body>text</body></html>';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: TestServer | undefined;
let real: string | undefined;
beforeAll(async () => {
  folder = await temporaryFolder();
  const path = process.env.CHROMIUM_PATH;
  for await (const browser of browsers({
    cacheFolder: folder.path,
    ...(path !== undefined && { chromiumPath: path }),
  })) {
    real = browser.executable;
    break;
  }
});
afterAll(async () => {
  await server?.stop();
  await folder.remove();
});

async function readyz(): Promise<{ ready: boolean; degraded: string[]; components: Record<string, string> }> {
  return (await (await fetch(`${server!.url}/readyz`)).json()) as never;
}

test('a browser that is missing stops reports and nothing else; it is told, and found when it comes', async () => {
  const wrapper = join(folder.path, 'browser');
  server = await startTestServer({ environment: { CHROMIUM_PATH: wrapper } });
  const who = caller(server, await server.backend());
  const load: Load = { patients: [], images: [] };
  expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  expect(await readyz()).toMatchObject({
    ready: true,
    degraded: ['browser'],
    components: { browser: /names no file/ },
  });

  await writeFile(wrapper, `#!/bin/sh\necho $$ > '${folder.path}/pid'\nexec '${real}' "$@"\n`);
  await chmod(wrapper, 0o755);
  await eventually(async () => (await readyz()).degraded.length === 0, 'the browser', 45);
  expect(Buffer.from(await server.system.world.pdf.print(page)).toString('latin1', 0, 5)).toBe('%PDF-');
});

test('a browser that crashes is seen and started again; the next report is printed', async () => {
  process.kill(Number(await readFile(join(folder.path, 'pid'), 'utf8')), 'SIGKILL');
  await eventually(async () => (await readyz()).degraded.includes('browser'), 'readiness that sees it', 5);
  await eventually(async () => (await readyz()).degraded.length === 0, 'the browser', 20);
  process.kill(Number(await readFile(join(folder.path, 'pid'), 'utf8')), 'SIGKILL');
  const printed = await eventually(() => server!.system.world.pdf.print(page).catch(() => undefined), 'a report', 20);
  expect(Buffer.from(printed).toString('latin1', 0, 5)).toBe('%PDF-');
});
