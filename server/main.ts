import './core/sealed-prototype.ts';
import { createServer, type AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compose, type System } from './compose.ts';
import { openDimse } from './compose/dimse.ts';
import { ConfigurationError, readConfig, type Config } from './config.ts';
import { Problem } from './core/problem.ts';
import { demoAes } from './demo/remote-aes.ts';
import { demoPassword, demoPeople } from './demo/people.ts';
import { seedDemo } from './demo/seed.ts';
import { createHttpServer } from './http/http-server.ts';
import { koaListener } from './http/koa-listener.ts';
import { createLogger } from './log.ts';
import { startWorkers } from './worker.ts';

/** For whoever starts processes (scripts/run.mjs, systemd): 78 is a mistake that another try does not mend (EX_CONFIG). */
const exitCode = { couldNotStart: 1, crashed: 70, misconfigured: 78 } as const;

const started = performance.now();
/** For people; the log is for machines. */
const say = (line: string) => process.stderr.write(`${line}\n`);

const config = configuration();
const log = createLogger(config.logLevel);
const publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;

/** Empty until everything has started. */
const running: { system?: System; server?: Server } = {};
let stopping = false;
process.on('uncaughtException', (err, origin) => void crash(err, origin));

await expectPort(config.host, config.port).catch(refusedPort);
if (config.metricsPort !== undefined) await expectPort(config.host, config.metricsPort).catch(refusedMetricsPort);
const system = await start();
const server = await listen(system, config).catch(async (error: NodeJS.ErrnoException) => {
  await system.stop();
  return refusedPort(error);
});
Object.assign(running, { system, server });
const dimse = await openDimse({ config, log, closing: system.closing }, system.world).catch(refusedDimse);
if (config.roles.worker) await startWorkers(system, log);
releaseMemory();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => {
    shutDown(signal).catch((err: unknown) => {
      log.fatal({ err }, 'could not stop in order');
      process.exit(exitCode.crashed);
    });
  });
await announce();

function configuration(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigurationError) return end(error.message, exitCode.misconfigured);
    throw error;
  }
}

async function start(): Promise<System> {
  try {
    const built = await compose(
      config,
      publicUrl,
      log,
      (step) => say(`  ${step} ...`),
      () => void crash(new Problem('exception', 'The server does not answer itself'), 'self watch'),
    );
    if (config.mode === 'demo' && config.roles.api && !process.argv.includes('--no-demo-data'))
      await built.alone('demo data', () => seedDemo(built, (step) => say(`  ${step} ...`)));
    return built;
  } catch (error) {
    log.fatal({ err: error }, 'could not start');
    if (error instanceof ConfigurationError)
      return end(`CSSS could not start: ${error.message}`, exitCode.misconfigured);
    return end(`CSSS could not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Before anything is started: a second `npm start` ends with its reason at once, and touches nothing of the first. */
function expectPort(host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(port, host, () => probe.close(() => done()));
  });
}

function refusedPort(error: NodeJS.ErrnoException, port = config.port, setting = 'PORT'): never {
  const reason =
    error.code === 'EADDRINUSE'
      ? `Port ${port} is taken; stop the other program or set ${setting} to another one.`
      : `${setting} ${port}: ${error.message}`;
  return end(`CSSS could not start: ${reason}`, exitCode.misconfigured);
}

function refusedMetricsPort(error: NodeJS.ErrnoException): never {
  return refusedPort(error, config.metricsPort, 'METRICS_PORT');
}

/** The port of a demo is a wish: two demos can run side by side. */
async function refusedDimse(error: NodeJS.ErrnoException): Promise<undefined> {
  const { port, tlsPort, portIsUsual } = config.dimse;
  if (portIsUsual && tlsPort === undefined && error.code === 'EADDRINUSE') {
    log.warn({ port }, 'the port of DIMSE is taken: no associations are taken');
    return undefined;
  }
  await system.stop();
  return end(`CSSS could not start: DIMSE_PORT, DIMSE_TLS_PORT (${[port, tlsPort].filter(Boolean).join(', ')}): ${error.message}`, exitCode.misconfigured); // prettier-ignore
}

function listen({ app, upgrades }: System, { host, port, budget }: Config): Promise<Server> {
  return new Promise((done, fail) => {
    const http = createHttpServer(koaListener(app), budget, upgrades);
    http.once('error', fail);
    http.listen(port, host, () => done(http));
  });
}

/**
 * Collects once what starting left behind: half of the heap, which would stay until load makes the collector run, and
 * add to what that load needs.
 */
function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  setFlagsFromString('--no-expose-gc');
}

async function announce(): Promise<void> {
  const { components } = await system.readiness();
  const { port } = server.address() as AddressInfo;
  log.info({ host: config.host, port, ms: Math.round(performance.now() - started) }, 'listening');
  say('');
  const after = `CSSS is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`;
  if (config.roles.api) announceFaces(after);
  else {
    const task = config.roles.worker ? 'takes jobs' : 'takes associations';
    say(`${after}: ${task}; its state is at http://${config.host}:${port}/readyz`);
    announceDimse();
  }
  say('');
  for (const [name, state] of Object.entries(components)) say(`  ${name.padEnd(11)} ${state}`);
  say('');
  say('Ctrl-C stops it.');
}

function announceFaces(after: string): void {
  say(`${after}: ${publicUrl}`);
  say(`  FHIR      ${publicUrl}/fhir   (SMART: ${publicUrl}/.well-known/smart-configuration)`);
  say(`  DICOMweb  ${publicUrl}/dicomweb`);
  announceDimse();
  if (config.mode !== 'demo') return;
  say('');
  say(`Sign in with the password ${demoPassword} as`);
  for (const { role, email } of demoPeople) say(`  ${role.padEnd(10)} ${email}`);
  if (config.roles.worker && !config.smtpUrl) say(`Mails of the demo stay here: ${publicUrl}/demo/mailbox`);
}

function announceDimse(): void {
  if (!dimse) return;
  const { host, title } = config.dimse;
  const places = [dimse.port && `port ${dimse.port}`, dimse.tlsPort && `port ${dimse.tlsPort} (TLS)`].filter(Boolean);
  say(`  DIMSE     ${title} at ${host}, ${places.join(' and ')}`);
  if (config.mode === 'demo' && config.roles.api)
    for (const { title: calling, name } of demoAes) say(`            call it as ${calling}: ${name}`);
}

async function shutDown(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  say('Stopping: requests and jobs in flight end first ...');
  system.drain();
  // Until load balancers have seen it they go on sending; a person at the keyboard does not wait for that.
  if (signal === 'SIGTERM') await sleep(config.drainSeconds * 1000);
  await closeConnections(server, 10_000);
  await system.stop();
  log.info('stopped');
  process.exit(0);
}

/** Takes nothing new and lets what is being answered end; a connection that never ends must not keep the process. */
function closeConnections(server: Server, patienceMs: number): Promise<void> {
  // One that a client keeps for its next request is idle only when its answer has ended.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const late = setTimeout(() => server.closeAllConnections(), patienceMs);
  return new Promise((done) =>
    server.close(() => {
      clearInterval(idle);
      clearTimeout(late);
      done();
    }),
  );
}

/**
 * Ends a process that is in a state nobody thought of: what is being answered may end within a few seconds, nothing new
 * is taken, and whoever started this process starts another.
 */
async function crash(err: unknown, origin: string): Promise<void> {
  const again = stopping;
  stopping = true;
  try {
    log.fatal({ err, reason: origin }, 'uncaught error');
    if (again) return; // the first one ends the process
    setTimeout(() => process.exit(exitCode.crashed), 12_000);
    const { server, system } = running;
    if (!server || !system) return process.exit(exitCode.crashed);
    system.drain();
    await closeConnections(server, 5_000);
    await system.stop();
  } catch {
    // Nothing can be relied on any more.
  }
  process.exit(exitCode.crashed);
}

function end(sentence: string, code: number = exitCode.couldNotStart): never {
  say(sentence);
  process.exit(code);
}
