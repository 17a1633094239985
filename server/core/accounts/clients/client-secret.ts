import { hash, randomBytes } from 'node:crypto';
import { isSameText } from '../../same-text.ts';

/** A word that only its holder knows: 256 random bits, base64url. It is shown once and stored as its hash. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Such words are random and long, so a slow hash would add nothing. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Whether it is the secret of one of these hashes: for a day after it was replaced, the one before is good as well. */
export function isSecretOf(hashes: readonly unknown[], given: string): boolean {
  const digest = hashSecret(given);
  return hashes.filter((one) => typeof one === 'string' && isSameText(one, digest)).length > 0;
}
