import { randomInt } from 'node:crypto';
import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import type { Stores, Surroundings, WritesTo } from '../../world.ts';
import type { Account } from '../account-store.ts';

/** One constant for the code and for what the mail says of it. */
export const codeMinutes = 10;
const mostTries = 5;
/** How often a person may be written to because somebody signs in. */
export const mailLimits = { apartSeconds: 60, hourly: 5 };

type CodeWorld = Pick<Surroundings, 'secrets' | 'settings'> & WritesTo<'factors' | 'deliveries' | 'jobs'>;

/**
 * Mails a six-digit code that is good once, for ten minutes and in the sign-in that asks for it; the one before is void.
 *
 * @param askedIn names the sign-in.
 * @throws Problem `throttled` with `retryAfter`: one a minute, five an hour.
 */
export async function sendMailCode(world: CodeWorld, account: Account, askedIn: string): Promise<void> {
  const wait = await world.transaction(async (stores) => {
    const seconds = await stores.factors.countMail(account.id, mailLimits);
    if (seconds === 0) await postCode(world, stores, account, askedIn);
    return seconds;
  });
  if (wait > 0)
    throw new Problem('throttled', `A code was sent a moment ago. You can ask for a new one ${inWords(wait)}.`, {
      retryAfter: wait,
    });
}

export function inWords(seconds: number): string {
  return seconds < 90 ? `in ${seconds} seconds` : `in ${Math.ceil(seconds / 60)} minutes`;
}

async function postCode(
  { secrets, settings }: Pick<CodeWorld, 'secrets' | 'settings'>,
  stores: Pick<Stores, 'factors' | 'deliveries' | 'jobs'>,
  account: Account,
  askedIn: string,
): Promise<void> {
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  const digest = secrets.digest(code, purposeOf(account, askedIn));
  await stores.factors.putMailCode(account.id, { askedIn, digest, seconds: codeMinutes * 60 });
  await postMail(stores, secrets, {
    kind: 'sign-in-code',
    to: account.email,
    subject: `Your sign-in code for ${settings.organizationName}`,
    text: [
      `Your code is ${code}`,
      '',
      `It works once, for ${codeMinutes} minutes, in the browser window in which you asked for it.`,
      'Nobody from us will ever ask you for it.',
      'If you are not signing in now, somebody else knows your password: change it.',
    ].join('\n'),
    accountId: account.id,
    usefulSeconds: codeMinutes * 60,
  });
}

/**
 * What becomes of a code that somebody typed in: `right` uses it up; `over` when there is none to try, because it is
 * used, too old, asked for in another sign-in, or was tried wrongly five times.
 */
export async function tryMailCode(
  world: Pick<Surroundings, 'secrets'> & WritesTo<'factors'>,
  account: Account,
  askedIn: string,
  code: string,
): Promise<'right' | 'wrong' | 'over'> {
  // A wrong try is kept, so nothing throws in here.
  return world.transaction(async ({ factors }) => {
    const sent = await factors.tryMailCode(account.id, askedIn, mostTries);
    if (!sent) return 'over';
    if (!world.secrets.isDigest(sent.digest, code, purposeOf(account, askedIn)))
      return sent.tries >= mostTries ? 'over' : 'wrong';
    return (await factors.takeMailCode(account.id, sent.digest)) ? 'right' : 'over';
  });
}

function purposeOf(account: Account, askedIn: string): string {
  return `sign-in code ${account.id} ${askedIn}`;
}
