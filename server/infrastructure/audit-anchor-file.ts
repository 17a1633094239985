import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AuditAnchors } from '../core/access/audit-log.ts';

/**
 * Checkpoints of the audit trail as lines of a file in the data folder, one an hour, and the last block in a file beside
 * it: whoever owns the database does not reach them there.
 *
 * @param onAdded for the log, which may be kept elsewhere too.
 */
export function auditAnchorFile(
  dataDir: string,
  onAdded: (facts: { number: number; digest: string; rows: number }) => void,
): AuditAnchors {
  const folder = join(dataDir, 'audit');
  const [list, head] = [join(folder, 'checkpoints.jws'), join(folder, 'head.jws')];
  return {
    async add(jws, facts) {
      await mkdir(folder, { recursive: true });
      const file = await open(list, 'a', 0o600);
      try {
        await file.appendFile(`${jws}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      onAdded(facts);
    },
    async keepHead(jws) {
      await mkdir(folder, { recursive: true });
      const fresh = `${head}.${process.pid}`;
      const file = await open(fresh, 'w', 0o600);
      try {
        await file.writeFile(`${jws}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, head);
    },
    async *lines() {
      yield* linesOf(list);
      const last = await readFile(head, 'utf8').catch(unlessMissing);
      if (last?.trim()) yield last.trim();
    },
  };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) if (line !== '') yield line;
  } catch (error) {
    unlessMissing(error);
  } finally {
    stream.destroy();
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
