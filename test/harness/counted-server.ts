import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyCopy } from './database.ts';
import { backendKey } from './server.ts';
import { startServerProcess } from './server-process.ts';
import { backendToken } from './sign-in.ts';

export interface CountedServer {
  port: number;
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
export async function startCountedServer(environment: Record<string, string> = {}): Promise<CountedServer> {
  const database = await emptyCopy();
  const dataDir = await mkdtemp(join(tmpdir(), 'csss-process-'));
  const key = await backendKey();
  const server = await startServerProcess({
    key,
    environment: { DATABASE_URL: database.url, DATA_DIR: dataDir, ...environment },
  });
  const folder = `/proc/${server.process.pid}`;
  return {
    port: server.port,
    dataDir,
    output: server.output,
    token: async () => {
      const client = { clientId: 'csss-demo-backend', key: key.private };
      return (await backendToken(server.url, client, 'system/*.cruds')).access_token;
    },
    descriptors: () => readdirSync(`${folder}/fd`).map((name) => targetOf(`${folder}/fd/${name}`)),
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8'))![1]) * 1024,
    async stop() {
      await server.end();
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
