import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { PasswordHasher } from '../core/accounts/password.ts';

/** OWASP's recommended argon2id setting: 19 MiB, 2 passes, 1 lane. It runs on the thread pool, not on the event loop. */
const setting = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** Passwords with argon2id (RFC 9106), which is also the default algorithm of the library. */
export function argon2Passwords(): PasswordHasher {
  return {
    hash: (password) => hash(password, setting),
    verify: (stored, password) => verify(stored, password),
    decoy: hash(randomBytes(32), setting),
  };
}
