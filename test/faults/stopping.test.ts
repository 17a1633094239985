import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../harness/calls.ts';
import { backendKey, startServerProcess, temporaryFolder } from '../harness/server-process.ts';
import { freePort } from '../harness/server.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
afterEach(() => folder.remove());

test('a server that is told to stop says so first, and goes on answering until load balancers have seen it', async () => {
  folder = await temporaryFolder();
  const server = await startServerProcess({
    environment: { DATA_DIR: folder.path, DRAIN_SECONDS: '3' },
    key: await backendKey(),
  });
  const ended = server.end('SIGTERM');
  await eventually(async () => (await server.readyz()).status === 503, 'readiness that says so', 3);
  expect((await fetch(`${server.url}/fhir/metadata`)).status).toBe(200);
  expect(await ended).toEqual([0, null]);
});

test('a port of the metrics that is taken is a mistake of configuration, named before anything is started', async () => {
  folder = await temporaryFolder();
  const port = await freePort();
  const other = createServer();
  await new Promise<void>((done) => other.listen(port, '127.0.0.1', done));
  const environment = { DATA_DIR: folder.path, METRICS_PORT: String(port) };
  await expect(startServerProcess({ environment, key: await backendKey() })).rejects.toThrow(
    `Port ${port} is taken; stop the other program or set METRICS_PORT to another one.`,
  );
  other.close();
});
