import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../config.ts';
import type { SecretBox } from '../core/secret-box.ts';
import { sealPlainSecrets } from '../infrastructure/postgres/accounts/server-secrets.ts';
import type { Sql } from '../infrastructure/postgres/connection.ts';
import { unopenedSecrets } from '../infrastructure/postgres/sealed-columns.ts';
import { secretBox } from '../infrastructure/secret-box.ts';
import type { Start } from './start.ts';

/**
 * The keys of the environment, or in demo mode one that is made once and kept in the data folder.
 *
 * Seals what an earlier release left readable in the database.
 *
 * @throws ConfigurationError if something in the database is sealed with a key that is not among them: a server that
 *   started all the same would make new keys in the place of those it cannot read, and sign everybody out.
 */
export async function openSecrets({ config }: Pick<Start, 'config'>, sql: Sql): Promise<SecretBox> {
  const given = config.secretKeys.length > 0;
  const box = secretBox(given ? config.secretKeys : [await ownKey(config.dataDir)]);
  const unopened = await unopenedSecrets(sql, box);
  if (unopened.length > 0) {
    const what = unopened.map(({ table, key, count }) => `${count} in ${table} with the key ${key}`).join(', ');
    const remedy = given
      ? 'Set SECRET_KEYS to the newest key and, after a comma, the earlier ones; "manage reseal" makes earlier ones needless.'
      : `Set SECRET_KEYS, or bring back the file secret-key in ${config.dataDir}.`;
    throw new ConfigurationError(
      `SECRET_KEYS: secrets in this database were sealed with another key (${what}). ${remedy}`,
    );
  }
  await sealPlainSecrets(sql, box);
  return box;
}

async function ownKey(dataDir: string): Promise<Buffer> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'secret-key');
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(randomBytes(32).toString('base64'));
    await file.sync();
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = Buffer.from(await readFile(path, 'utf8'), 'base64');
  if (key.length !== 32) throw new Error(`${path} is not a key of 32 bytes in base64.`);
  return key;
}
