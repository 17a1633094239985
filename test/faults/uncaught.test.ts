import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backendToken } from '../harness/sign-in.ts';
import { backendKey, startServerProcess, temporaryFolder } from '../harness/server-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let key: Awaited<ReturnType<typeof backendKey>>;
beforeAll(async () => {
  key = await backendKey();
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** A server that does something bad when it is told to by a signal. */
async function faulty(act: string) {
  const file = join(folder.path, 'fault.mjs');
  await writeFile(file, `process.on('SIGUSR2', () => { ${act} });`);
  const environment = { DATA_DIR: folder.path };
  return startServerProcess({ environment, key, node: ['--import', file] });
}

test.each([
  ['an error that nobody caught', `setImmediate(() => { throw new Error('x'); })`, 'uncaughtException'],
  ['a promise that nobody heard', `Promise.reject(new TypeError('x'))`, 'unhandledRejection'],
])(
  '%s ends the process cleanly, with what is being answered, and says why',
  async (_what, act, reason) => {
    const server = await faulty(act);
    const client = { clientId: 'csss-demo-backend', key: key.private };
    const { access_token } = await backendToken(server.url, client, 'system/*.cruds');
    const sending = request(`${server.url}/fhir/Patient`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/fhir+json' },
    });
    sending.write('{"resourceType":');
    await sleep(300);
    server.process.kill('SIGUSR2');
    await sleep(300);
    sending.end('"Patient"}');
    const [answers, codes] = await Promise.all([once(sending, 'response'), once(server.process, 'exit')]);
    const [{ statusCode }, [code]] = [answers[0] as IncomingMessage, codes];
    expect(statusCode).toBe(201);
    expect(code).toBe(70);
    expect(server.log().find(({ msg }) => msg === 'uncaught error')).toMatchObject({ level: 'fatal', reason });
  },
  90_000,
);

test('a process whose objects are poisoned is not ready, whoever asks', async () => {
  const server = await faulty(`Object.prototype.get = 'poison'`);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  server.process.kill('SIGUSR2');
  await sleep(1_200);
  const answer = await fetch(`${server.url}/readyz`).catch(() => undefined);
  expect(answer?.status).not.toBe(200);
  await server.end('SIGKILL');
}, 90_000);

/** The supervisor on a program that ends as told: one exit code or signal for each start. */
async function supervise(
  ends: (number | string)[],
  interrupt = false,
): Promise<{ starts: number; code: number | null; said: string }> {
  const program = join(folder.path, 'program.mjs');
  await writeFile(
    program,
    `const end = ${JSON.stringify(ends)}[Number(process.argv[2])];
     if (typeof end === 'number') process.exit(end);
     if (end === 'stay') { process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('here'); }
     else process.kill(process.pid, end);`,
  );
  const supervisor = join(folder.path, 'supervisor.mjs');
  const keepRunning = new URL('../../scripts/keep-running.mjs', import.meta.url).href;
  await writeFile(
    supervisor,
    `import { spawn } from 'node:child_process';
     import { keepRunning } from '${keepRunning}';
     let n = 0;
     await keepRunning(() => { console.log('start'); return spawn(process.execPath, ['${program}', String(n++)], { stdio: 'inherit' }); }, console.log, 20);`,
  );
  const child = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (interrupt && text.includes('here')) child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { starts: said.split('start\n').length - 1, code, said };
}

test('the supervisor starts a crashed server again, and not one that ended, was misconfigured or never started', async () => {
  expect(await supervise([70, 'SIGKILL', 0])).toMatchObject({ starts: 3, code: 0 });
  expect(await supervise([78])).toMatchObject({ starts: 1, code: 78 });
  expect(await supervise([1])).toMatchObject({ starts: 1, code: 1 });
  expect(await supervise([70, 1, 0])).toMatchObject({ starts: 3, code: 0 }); // the database was not there yet
  expect(await supervise(['stay'], true)).toMatchObject({ starts: 1, code: 0 });
});

test('a server that crashes five times within a minute is given up, with a sentence', async () => {
  const { starts, code, said } = await supervise([70, 70, 70, 70, 70, 70]);
  expect([starts, code]).toEqual([5, 70]);
  expect(said).toContain('5 times within a minute');
});
