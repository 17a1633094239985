import type { Account } from '../account-store.ts';
import type { AttemptKey, AttemptStore } from '../authorizations.ts';
import { deviceFactorLimit, factorLimits } from '../sign-in/sign-in-limits.ts';
import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import { traceOf, type Trace } from '../../trace.ts';
import type { ReadsFrom, Surroundings, WritesTo } from '../../world.ts';
import { inWords, tryMailCode } from './mail-code.ts';
import type { Passkeys } from './passkeys.ts';
import { recoveryDigest } from './recovery-codes.ts';
import { openTotp, stepOfCode } from './totp.ts';
import type { Way, Ways } from './ways.ts';

export type ProvingWorld = Pick<Surroundings, 'secrets' | 'settings' | 'now'> &
  ReadsFrom<'audit' | 'factors'> &
  WritesTo<'factors' | 'deliveries' | 'jobs' | 'accounts'>;

export interface Proof extends Trace {
  account: Account;
  ways: Ways;
  way: Way;
  /** What was typed; of a passkey the browser's answer, parsed. */
  given: unknown;
  /** Names the sign-in, for codes that are good in one only. */
  askedIn: string;
  /** Of a passkey: what the answer must hold. */
  challenge?: string;
  /** The browser, and whether this person has signed in with it before. */
  device?: { id: string; knows(account: Account): boolean };
  clientId: string;
  sourceAddress: string;
}

/**
 * Checks a second factor, counts wrong ones, and writes down how it ended.
 *
 * Wrong codes are counted apart from wrong passwords: by account and network, by account from everywhere, and in a browsers
 * that the person has signed in with by that browser alone, so that who knows the password and guesses codes elsewhere
 * keeps nobody from their own computer.
 *
 * @throws Problem `login` when it is not right, `throttled` with `retryAfter` after too many tries.
 */
export async function proveFactor(
  world: ProvingWorld,
  { attempts, passkeys }: { attempts: AttemptStore; passkeys: Passkeys },
  proof: Proof,
): Promise<void> {
  const keys = countedOn(proof);
  const wait = await attempts.begin(keys);
  if (wait > 0) {
    await record(world, proof, 'refused');
    throw new Problem('throttled', `Too many wrong tries. Try again ${inWords(wait)}.`, { retryAfter: wait });
  }
  const fault = await faultOf(world, passkeys, proof);
  if (fault !== undefined) {
    await record(world, proof, 'refused');
    throw new Problem('login', fault);
  }
  await attempts.settle({ forget: keys });
  await record(world, proof, 'success');
}

function countedOn({ account, device, sourceAddress }: Proof): AttemptKey[] {
  if (device?.knows(account)) return [deviceFactorLimit(device.id, account.id)];
  const { pair, account: everywhere } = factorLimits(account.id, sourceAddress);
  return [pair, everywhere];
}

/** Why it does not do, for the person; undefined when it does, and is used up. */
async function faultOf(world: ProvingWorld, passkeys: Passkeys, proof: Proof): Promise<string | undefined> {
  const { account, ways, way, given } = proof;
  if (!ways.ways.includes(way)) return 'This way is not set up for your account. Choose another.';
  const typed = typeof given === 'string' ? given.replace(/\s/g, '').slice(0, 100) : '';
  switch (way) {
    case 'totp':
      return (await isTotp(world, ways, typed))
        ? undefined
        : 'This code is not right, or was used already. Type the one that your app shows now.';
    case 'mail': {
      const end = await tryMailCode(world, account, proof.askedIn, typed);
      if (end === 'right')
        return world.transaction(({ accounts }) => accounts.verified(account.id)).then(() => undefined);
      if (end === 'over') return 'This code does not work any more. Ask for a new one.';
      return 'This code is not right. Type the six digits of the last mail.';
    }
    case 'recovery':
      return (await isRecoveryCode(world, account, typed))
        ? undefined
        : 'This recovery code is not right, or was used already.';
    case 'passkey':
      return (await isPasskey(world, passkeys, proof))
        ? undefined
        : 'The passkey was not accepted. Try again, or choose another way.';
  }
}

async function isTotp(world: ProvingWorld, { totps }: Ways, code: string): Promise<boolean> {
  for (const factor of totps) {
    const step = stepOfCode(openTotp(world.secrets, factor), code, world.now());
    if (step !== undefined && (await world.transaction(({ factors }) => factors.use(factor.id, step)))) return true;
  }
  return false;
}

/** The person hears of it: whoever found the paper must not stay unnoticed. */
async function isRecoveryCode(world: ProvingWorld, account: Account, typed: string): Promise<boolean> {
  const digest = recoveryDigest(typed);
  if (digest === undefined) return false;
  return world.transaction(async (stores) => {
    if (!(await stores.factors.takeRecoveryCode(account.id, digest))) return false;
    const left = await stores.factors.recoveryCodesLeft(account.id);
    await postMail(stores, world.secrets, {
      kind: 'notice',
      to: account.email,
      subject: `A recovery code was used at ${world.settings.organizationName}`,
      text: [
        `One of your recovery codes was used to sign in; ${left} are left.`,
        'Under "My account" you can make new ones. If it was not you, tell your administrator at once.',
      ].join('\n'),
      accountId: account.id,
    });
    return true;
  });
}

async function isPasskey(world: ProvingWorld, passkeys: Passkeys, { ways, given, challenge }: Proof): Promise<boolean> {
  if (challenge === undefined) return false;
  const proved = await passkeys.proved(given, challenge, ways.passkeys);
  // A counter that does not grow is that of a copy (WebAuthn 6.1.1).
  return (
    proved !== undefined && (await world.transaction(({ factors }) => factors.use(proved.factor.id, proved.counter)))
  );
}

async function record(world: ProvingWorld, proof: Proof, outcome: 'success' | 'refused'): Promise<void> {
  const { account, way, clientId } = proof;
  const { id: subject, role, fhirUser } = account;
  await world.read(({ audit }) =>
    audit.append({
      action: 'E',
      event: 'smart:second-factor',
      outcome,
      principal: { kind: 'user', subject, clientId, role, fhirUser, scopes: [] },
      entities: [`factor/${way}`],
      ...traceOf(proof),
    }),
  );
}
