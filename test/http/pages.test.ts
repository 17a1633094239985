import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPage, webApplication } from '../../server/http/answer/static.ts';
import { koaListener } from '../../server/http/koa-listener.ts';

let http: Server;
let folder: string;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-pages-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>app</title>');
  await writeFile(join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  http = createServer(koaListener(new Koa().use(webApplication(folder))));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(async () => {
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
  await rm(folder, { recursive: true });
});

/** The addresses of the router, with an example in the place of what stands for something. */
function routerPaths(): string[] {
  const source = readFileSync(join(import.meta.dirname, '../../viewer/src/router.ts'), 'utf8');
  const paths = [...source.matchAll(/\bpath: '(\/[^']*)', ?(?:component|\n)|^\s+path: '(\/[^']*)',$/gm)].map((found) => found[1] ?? found[2]!); // prettier-ignore
  return paths.filter((path) => !path.includes(':rest')).map((path) => path.replace(/:\w+(\([^)]*\))?/g, 'abc-1'));
}

test('every page of the router is served, and no page is served that the router does not have', () => {
  const paths = routerPaths();
  expect(paths.length).toBeGreaterThan(8);
  expect(paths.filter((path) => !isPage(path))).toEqual([]);
  const source = readFileSync(join(import.meta.dirname, '../../server/http/answer/static.ts'), 'utf8');
  const served = /\^\\\/\(\$\|\(([^)]*)\)/.exec(source)![1]!.split('|').map((page) => `/${page.replaceAll('\\', '')}`.replace(/\[.*/, 'abc-1')); // prettier-ignore
  expect(served.toSorted()).toEqual(paths.filter((path) => path !== '/').toSorted());
});

test('pages are pages, files are files, and other methods are told which there are', async () => {
  for (const path of ['/', '/doctor', '/doctor/', '/study/0f3-a', '/demo/mailbox', '/signed-in?code=x'])
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
  expect((await fetch(`${url}/favicon.svg`)).headers.get('Content-Type')).toBe('image/svg+xml');
  const posted = await fetch(`${url}/doctor`, { method: 'POST' });
  expect([posted.status, posted.headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
});

test('who has a page or a file already is told so, and who has another one gets it', async () => {
  for (const path of ['/', '/doctor', '/favicon.svg']) {
    const first = await fetch(url + path);
    const known = first.headers.get('ETag')!;
    await first.arrayBuffer();
    const again = (tag: string) => fetch(url + path, { headers: { 'If-None-Match': tag } });
    expect([path, (await again(known)).status, (await again('"another"')).status]).toEqual([path, 304, 200]);
    expect((await again(known)).headers.get('Cache-Control')).toBe('no-cache');
  }
  // What is not there is told so to everybody.
  const missing = await fetch(`${url}/nothing`, { headers: { Accept: 'text/html', 'If-None-Match': '*' } });
  expect([missing.status, missing.headers.get('Vary')]).toEqual([404, 'Accept']);
});

test.each(['/wado?requestType=WADO', '/dicomweb/conformance', '/metrics', '/.env', '/oidc/token', '/fhir/x/y/z', '/doctor/x', '/study/', '/study/a/b', '/index', '/%00', '/assets/', '/..%2f..%2fetc/passwd', '/constructor'])(
  'nothing is at %s: 404, to people as the page that says so',
  async (path) => {
    const probe = await fetch(url + path, { headers: { Accept: '*/*' } });
    expect(probe.status).toBe(404);
    expect(probe.headers.get('Content-Type')).not.toMatch(/html/);
    const person = await fetch(url + path, { headers: { Accept: 'text/html,*/*;q=0.8' } });
    expect([person.status, person.headers.get('Content-Type')]).toEqual([404, 'text/html; charset=utf-8']);
  },
); // prettier-ignore
