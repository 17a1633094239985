import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { PasswordHasher } from '../core/accounts/sign-in/password.ts';
import { Problem } from '../core/problem.ts';

/** OWASP's recommended argon2id setting: 19 MiB, 2 passes, 1 lane. It runs on the thread pool, not on the event loop. */
const setting = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/**
 * Passwords with argon2id (RFC 9106), which is also the default algorithm of the library.
 *
 * Few at a time: the thread pool also reads and writes images, and each takes 19 MiB. A flood of sign-ins waits in a
 * line and is refused beyond it, while everything else goes on.
 *
 * @param limits.atOnce below the four threads of the pool. @param limits.waiting a few seconds' worth.
 * @throws Problem `transient` from `hash` and `verify` when the line is full.
 */
export function argon2Passwords(limits = { atOnce: 2, waiting: 100 }): PasswordHasher {
  const inTurn = turns(limits);
  return {
    hash: (password) => inTurn(() => hash(password, setting)),
    verify: (stored, password) => inTurn(() => verify(stored, password)),
    decoy: hash(randomBytes(32), setting),
  };
}

function turns(limits: { atOnce: number; waiting: number }): <T>(work: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limits.atOnce) {
      if (line.length >= limits.waiting)
        throw new Problem('transient', 'Too many people are signing in at this moment. Try again in a few seconds.', {
          retryAfter: 5,
        });
      await new Promise<void>((next) => line.push(next)); // whoever ends hands its place on
    } else running++;
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next) next();
      else running--;
    }
  };
}
