import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export type BackUpWay = 'pg_dump' | 'template';

/**
 * Copies a database into an empty one, which is dropped and made anew: by `pg_dump` and `pg_restore`, as
 * docs/operations.md has it, where the machine has them in a version that reads this server; else by PostgreSQL itself
 * (`create database ... template`), which copies the same tables and says nothing about the dump.
 *
 * @returns which of the two it was.
 */
export async function backUpAndRestore(from: string, to: string, folder: string): Promise<BackUpWay> {
  const admin = new URL(from);
  admin.pathname = '/postgres';
  const [source, target] = [new URL(from).pathname.slice(1), new URL(to).pathname.slice(1)];
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  try {
    await client.query(`drop database if exists ${target} with (force)`);
    const version = await client.query<{ major: number }>(
      `select current_setting('server_version_num')::integer / 10000 as major`,
    );
    if ((await dumpVersion()) < version.rows[0]!.major) {
      await client.query(`create database ${target} template ${source}`);
      return 'template';
    }
    await client.query(`create database ${target} template template0 encoding 'UTF8'`);
  } finally {
    await client.end();
  }
  const file = join(folder, 'csss.dump');
  await run('pg_dump', ['--format=custom', `--file=${file}`, from]);
  await run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${to}`, file]);
  return 'pg_dump';
}

/** 0 where there is none. */
async function dumpVersion(): Promise<number> {
  const said = await run('pg_dump', ['--version']).catch(() => undefined);
  return Number(/\b(\d+)\.\d+/.exec(said?.stdout ?? '')?.[1] ?? 0);
}

/** The folder of images, second. */
export function copyBlobs(from: string, to: string): Promise<void> {
  return cp(join(from, 'blobs'), join(to, 'blobs'), { recursive: true });
}
