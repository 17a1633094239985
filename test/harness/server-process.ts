import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { emptyCopy } from './database.ts';
import { backendToken } from './sign-in.ts';
import { freePort } from './server.ts';

export interface ServerProcess {
  port: number;
  process: ChildProcess;
  dataDir: string;
  output(): string;
  token(): Promise<string>;
  /** What each open descriptor is, of Linux. */
  descriptors(): string[];
  /** Bytes. */
  memory(): number;
  stop(): Promise<void>;
}

/** The server as a process of its own, on a database of the harness, so that what it holds can be counted. */
export async function startServerProcess(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const database = await emptyCopy();
  const dataDir = await mkdtemp(join(tmpdir(), 'csss-process-'));
  const port = await freePort();
  const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
  const named = { kid: 'test', alg: 'ES384', use: 'sig' };
  const [open, secret] = [
    { ...(await exportJWK(publicKey)), ...named },
    { ...(await exportJWK(privateKey)), ...named },
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'server/main.ts', '--no-demo-data'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      PORT: String(port),
      EXECUTION_PROVIDERS: 'cpu',
      ANALYSIS_WORKERS: '1',
      MODEL_CANDIDATES: 'none',
      BACKEND_CLIENT_JWKS: JSON.stringify({ keys: [open] }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (let waited = 0; !text.includes('CSSS is ready'); waited += 50) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`did not start: ${text}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  const folder = `/proc/${child.pid}`;
  return {
    port,
    process: child,
    dataDir,
    output: () => text,
    token: async () => {
      const client = { clientId: 'csss-demo-backend', key: secret as JWK };
      return (await backendToken(`http://localhost:${port}`, client, 'system/*.cruds')).access_token;
    },
    descriptors: () => readdirSync(`${folder}/fd`).map((name) => targetOf(`${folder}/fd/${name}`)),
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8'))![1]) * 1024,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return 'closed meanwhile';
  }
}
