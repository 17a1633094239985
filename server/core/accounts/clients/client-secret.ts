import { hash, randomBytes } from 'node:crypto';

/** A word that only its holder knows: 256 random bits, base64url. It is shown once and stored as its hash. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Such words are random and long, so a slow hash would add nothing. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
