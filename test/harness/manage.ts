import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Managed {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** `npm run manage -- ...` as a process of its own. Only what is given stands in its environment, and where programs are. */
export async function manage(environment: Record<string, string>, ...args: string[]): Promise<Managed> {
  const root = join(import.meta.dirname, '..', '..');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'server/manage.ts', ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'csss'), // as npm run has it
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
