/** Starts a bar; the function it returns is told how many are done and what to say beside it. */
export type Progress = (title: string, total: number) => (done: number, note?: string) => void;

const WIDTH = 24;
const QUIET_MS = 20_000;

/** A bar on a terminal; elsewhere (log files) one line every twenty seconds, so that a log stays readable. */
export function terminalProgress(out: NodeJS.WriteStream = process.stderr): Progress {
  return (title, total) => {
    const started = Date.now();
    let last = 0;
    return (done, note = '') => {
      const now = Date.now();
      if (done < total && now - last < (out.isTTY ? 200 : QUIET_MS)) return;
      last = now;
      const share = total === 0 ? 1 : done / total;
      const left = done === 0 ? 0 : ((now - started) / done) * (total - done);
      const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
      const line = `${title.padEnd(14)} [${bar}] ${done}/${total} ${Math.round(left / 1000)} s left ${note}`;
      out.write(out.isTTY ? `\r\u001b[K${line}${done >= total ? '\n' : ''}` : `${line}\n`);
    };
  };
}

/** Says nothing; for tests. */
export const silentProgress: Progress = () => () => undefined;
