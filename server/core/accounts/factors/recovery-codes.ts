import { hash, randomBytes } from 'node:crypto';

const many = 10;
/** Crockford's base 32: no letter that is taken for another. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 24;

/**
 * Ten codes, each of which stands once for a second factor. With 120 random bits a plain hash of them may be stored (NIST
 * SP 800-63B-4 3.1.2.2), which no change of the server's keys makes useless.
 *
 * @returns the codes as they are shown once, in groups of four, and what is stored of them.
 */
export function makeRecoveryCodes(): { codes: string[]; digests: string[] } {
  const codes = Array.from({ length: many }, () =>
    [...randomBytes(length)].map((byte) => alphabet[byte % 32]).join(''),
  );
  return { codes: codes.map((code) => code.match(/.{4}/g)!.join('-')), digests: codes.map(digestOf) };
}

/** What is stored of the code that somebody typed, in whatever case and groups; undefined if it can be none. */
export function recoveryDigest(typed: string): string | undefined {
  const code = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return code.length === length ? digestOf(code) : undefined;
}

function digestOf(code: string): string {
  return hash('sha256', `recovery code ${code}`, 'base64url');
}
