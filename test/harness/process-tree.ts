import { execFileSync } from 'node:child_process';

export interface RunningProcess {
  /** Command line. */
  args: string;
  residentMiB: number;
}

/** A process, then all that it has started, and those have started, and so on. */
export function processTree(pid: number): RunningProcess[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,stat=,args='], { encoding: 'utf8' }).split('\n');
  const all = lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((found) => (found && !found[4]!.startsWith('Z') ? [found] : []))
    .map(([, own, parent, rss, , args]) => ({
      pid: Number(own),
      parent: Number(parent),
      running: { args: args!, residentMiB: Math.round(Number(rss) / 1024) },
    }));
  const from = (one: number): RunningProcess[] => [
    ...all.filter((row) => row.pid === one).map(({ running }) => running),
    ...all.filter(({ parent }) => parent === one).flatMap((child) => from(child.pid)),
  ];
  return from(pid);
}
