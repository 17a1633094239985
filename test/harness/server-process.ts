import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JWK } from 'jose';
import { caller, type Caller } from './calls.ts';
import { backendKey, freePort } from './server.ts';
import { backendToken } from './sign-in.ts';

export interface ServerProcess {
  url: string;
  port: number;
  process: ChildProcess;
  output(): string;
  /** The lines of its log so far. */
  log(): Record<string, unknown>[];
  /** A backend service that may do everything. */
  caller(): Promise<Caller>;
  readyz(): Promise<{ status: number; body: { components: Record<string, string>; degraded: string[] } }>;
  /** @returns exit code and signal. */
  end(signal?: NodeJS.Signals): Promise<[number | null, NodeJS.Signals | null]>;
}

export interface ProcessOptions {
  /** Variables of the environment; DATA_DIR must be there. */
  environment: Record<string, string>;
  key: { public: JWK; private: JWK };
  port?: number;
  demoData?: boolean;
  /** Arguments of node, before the program. */
  node?: string[];
}

/** The server as a process of its own, as `npm start` runs it. Resolves when it is ready. */
export async function startServerProcess(options: ProcessOptions): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const url = options.environment.PUBLIC_URL ?? `http://localhost:${port}`;
  const own = `http://localhost:${port}`;
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      ...(options.node ?? []),
      'server/main.ts',
      ...(options.demoData ? [] : ['--no-demo-data']),
    ],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      env: {
        ...process.env,
        PORT: String(port),
        DIMSE_PORT: 'none',
        EXECUTION_PROVIDERS: 'cpu',
        ANALYSIS_WORKERS: '1',
        MODEL_CANDIDATES: 'none',
        LOG_LEVEL: 'warn',
        BACKEND_CLIENT_JWKS: JSON.stringify({ keys: [options.key.public] }),
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  for (const end = Date.now() + 60_000; !text.includes('CSSS is ready'); await sleep(50)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended while starting: ${text}`);
    if (Date.now() > end) throw new Error(`does not become ready: ${text}`);
  }
  return {
    url: own,
    port,
    process: child,
    output: () => text,
    log: () =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async caller() {
      const client = { clientId: 'csss-demo-backend', key: options.key.private };
      return caller({ url: own }, (await backendToken(url, client, 'system/*.cruds')).access_token);
    },
    async readyz() {
      const answer = await fetch(`${own}/readyz`);
      return { status: answer.status, body: (await answer.json()) as never };
    },
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode];
      child.kill(signal);
      return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    },
  };
}

export { backendKey };

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'csss-fault-'));
  await chmod(path, 0o755); // PostgreSQL may run as another user
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Process number of the embedded PostgreSQL of a data folder. */
export async function postmasterOf(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}
