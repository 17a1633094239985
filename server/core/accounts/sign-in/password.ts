/** Turns passwords into what may be stored, and back into yes or no. Implemented with argon2id. */
export interface PasswordHasher {
  /** A PHC string with its own salt. */
  hash(password: string): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
  /** A hash that no password fits: unknown users are checked against it, so that they cost the same time. */
  readonly decoy: Promise<string>;
}

/** Characters are compared after Unicode NFKC, so that a password typed on another keyboard still fits. */
export function normalise(password: string): string {
  return password.normalize('NFKC');
}
