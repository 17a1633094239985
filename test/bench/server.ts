import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Pause } from './pause-probe.ts';
import { freePort, processorSeconds, untilAnswers, type Peer } from './peers.ts';

export interface BenchServer extends Peer {
  fhirUrl: string;
  /** A backend service's access token, renewed before it expires. */
  authorization(): Promise<string>;
  /** URL of the embedded database, for a floor that uses the same one. */
  databaseUrl(): string;
  /** Resident memory of the server process and its model sessions now, in MiB; what they share counts for each. */
  memory(): number;
  /** The longest pause of the server's event loop since the last call; only when it was started with `watch`. */
  longestPause(): Promise<Pause>;
  /** Seconds of processor time that the server process and its model sessions have used. */
  processorSeconds(): number;
}

/** Our server as an operator starts it: a process of its own, durable embedded PostgreSQL, real tokens. */
export async function startServer(
  environment: Record<string, string> = {},
  options: { watch?: boolean; demoData?: boolean } = {},
): Promise<BenchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'csss-bench-'));
  await chmod(folder, 0o755); // as root, the embedded PostgreSQL runs as another user
  const port = await freePort();
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES384', use: 'sig' };
  const probe = options.watch ? ['--import', new URL('./pause-probe.ts', import.meta.url).href] : [];
  const flags = ['--disable-warning=ExperimentalWarning', ...probe];
  const child = spawn(process.execPath, [...flags, 'server/main.ts', ...(options.demoData ? [] : ['--no-demo-data'])], {
    env: {
      ...process.env,
      PORT: String(port),
      DIMSE_PORT: 'none',
      DATA_DIR: folder,
      LOG_LEVEL: 'warn',
      BACKEND_CLIENT_JWKS: JSON.stringify({ keys: [jwk] }),
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const base = `http://localhost:${port}`;
  await untilAnswers(`${base}/healthz`);
  let token: { value: string; until: number } | undefined;
  return {
    url: `${base}/dicomweb`,
    fhirUrl: `${base}/fhir`,
    async authorization() {
      if (!token || token.until < Date.now()) token = await fetchToken(base, privateKey);
      return `Bearer ${token.value}`;
    },
    databaseUrl: () => {
      const port = readFileSync(join(folder, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').split('\n')[3];
      return `postgres://csss:${readFileSync(join(folder, 'postgres', 'password'), 'utf8').trim()}@127.0.0.1:${port}/csss`;
    },
    memory: () => sum(withSessions(child.pid!).map(residentMiB)),
    processorSeconds: () => sum(withSessions(child.pid!).map(processorSeconds)),
    longestPause: () =>
      new Promise((told) => {
        child.once('message', (pause) => told(pause as Pause));
        child.send('longest pause');
      }),
    async stop() {
      child.kill('SIGTERM');
      await new Promise((done) => child.once('exit', done));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fetchToken(base: string, key: CryptoKey): Promise<{ value: string; until: number }> {
  const clientId = 'csss-demo-backend';
  const tokenUrl = `${base}/oidc/token`;
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES384', kid: 'bench', typ: 'JWT' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(tokenUrl)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(key);
  const answer = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'system/*.cruds',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  });
  const body = (await answer.json()) as { access_token: string; expires_in: number; error_description?: string };
  if (!answer.ok) throw new Error(`no token: ${body.error_description}`);
  return { value: body.access_token, until: Date.now() + (body.expires_in - 30) * 1000 };
}

/** The server and the processes that run its models. */
function withSessions(server: number): number[] {
  const threads = readdirSync(`/proc/${server}/task`);
  const children = threads.flatMap((thread) => readFileSync(`/proc/${server}/task/${thread}/children`, 'utf8').split(' '));
  const sessions = children.filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference-process'));
  return [server, ...sessions.map(Number)];
} // prettier-ignore

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
