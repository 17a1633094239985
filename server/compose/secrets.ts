import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretBox } from '../core/secret-box.ts';
import { secretBox } from '../infrastructure/secret-box.ts';
import type { Start } from './start.ts';

/** The keys of the environment, or in demo mode one that is made once and kept in the data folder. */
export async function openSecrets({ config }: Pick<Start, 'config'>): Promise<SecretBox> {
  return secretBox(config.secretKeys.length > 0 ? config.secretKeys : [await ownKey(config.dataDir)]);
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
