import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Process ids of the model sessions that this test's servers have started, oldest first. */
export function sessionProcesses(): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === process.pid && !state!.startsWith('Z'))
    .filter((fields) => fields.some((field) => field.endsWith('inference-process.ts')))
    .map(([pid]) => Number(pid));
}

/** While `work` runs, every session that is started gets the signal, as a crash or the kernel would give it. */
export async function strikeSessions<T>(signal: NodeJS.Signals, work: () => Promise<T>): Promise<T> {
  const spared = new Set(sessionProcesses());
  let done = false;
  const strike = async () => {
    for (; !done; await sleep(10)) {
      for (const pid of sessionProcesses()) {
        if (spared.has(pid)) continue;
        spared.add(pid);
        process.kill(pid, signal);
      }
    }
  };
  const striking = strike();
  try {
    return await work();
  } finally {
    done = true;
    await striking;
  }
}
