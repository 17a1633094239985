import { createHash } from 'node:crypto';
import type { SecretBox } from '../../server/core/secret-box.ts';
import { secretBox } from '../../server/infrastructure/secret-box.ts';

/** A key of 32 bytes that follows from a name. */
export function keyNamed(name: string): Buffer {
  return createHash('sha256').update(name).digest();
}

/** Keeps secrets with a key that every test file has. */
export const testSecrets: SecretBox = secretBox([keyNamed('tests')]);
