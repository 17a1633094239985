/** Turns passwords into what may be stored, and back into yes or no. Implemented with argon2id. */
export interface PasswordHasher {
  /** A PHC string with its own salt. */
  hash(password: string): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
  /** A hash that no password fits: unknown users are checked against it, so that they cost the same time. */
  readonly decoy: Promise<string>;
}

/** NIST SP 800-63B-4 3.1.1.2: 15 characters where the password is the only factor, 8 beside a second one. */
export const minimumLength = { alone: 15, withSecondFactor: 8 };
export const maximumLength = 128;

const wellKnown = [
  'password',
  'passwort',
  'qwerty',
  'qwertz',
  'azerty',
  'letmein',
  'welcome',
  'iloveyou',
  'administrator',
  'admin',
  'changeme',
  'monkey',
  'dragon',
  'football',
  'baseball',
  'sunshine',
  'princess',
  'superman',
  'trustno',
  'hospital',
  'radiology',
  'secret',
  'default',
  'test',
  'user',
  'login',
  'csss',
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
];

/**
 * Why a new password is not good enough, in a sentence for the person; undefined when it is. There are no
 * rules of composition and no expiry (NIST SP 800-63B-4): length, and not what everybody tries first.
 *
 * @param context words that must not make up the password: address, name, name of the site.
 */
export function passwordFault(
  password: string,
  options: { secondFactor: boolean; context?: string[] },
): string | undefined {
  const length = [...normalise(password)].length;
  const least = options.secondFactor ? minimumLength.withSecondFactor : minimumLength.alone;
  if (length < least) return `Use at least ${least} characters; a few words in a row are easy to remember.`;
  if (length > maximumLength) return `Use at most ${maximumLength} characters.`;
  if (isEasilyGuessed(password, options.context ?? []))
    return 'This password is among the first that an attacker tries. Choose another.';
  return undefined;
}

/** Characters are compared after Unicode NFKC, so that a password typed on another keyboard still fits. */
export function normalise(password: string): string {
  return password.normalize('NFKC');
}

/** True if little is left once well-known words, runs and repetitions are taken out. */
function isEasilyGuessed(password: string, context: string[]): boolean {
  let rest = normalise(password).toLowerCase();
  const words = context
    .flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter((word) => word.length >= 3);
  for (const word of [...words, ...wellKnown].sort((a, b) => b.length - a.length)) rest = rest.replaceAll(word, '');
  rest = rest
    .replace(/(.{1,4}?)\1{2,}/gu, '$1')
    .replace(/(?:0123|1234|2345|3456|4567|5678|6789|7890|abcd|9876|8765|4321)+/g, '');
  return new Set(rest.replace(/[\s\d_.!?-]/g, '')).size < 4;
}
