import { createHmac } from 'node:crypto';
import type { Account } from '../../core/accounts/account-store.ts';
import { waysOf, type Way, type Ways } from '../../core/accounts/factors/ways.ts';
import type { InteractionParts, Step } from './interaction-step.ts';

/** Seconds between the password and the second factor. */
const lifetime = 15 * 60;
const model = 'SignInStage';

/** What is kept of a sign-in between the password and the second factor; it signs nobody in. */
export interface Stage {
  account: Account;
  ways: Ways;
  way: Way;
  /** Keep the session when the browser closes. */
  remember: boolean;
  /** The person is signed in: the second factor only is asked for again. */
  stepUp: boolean;
  /** When a code was mailed in this sign-in; milliseconds since 1970. */
  mailedAt?: number;
  /** Of the passkey question that the page asks. */
  challenge?: string;
}

/**
 * Keeps the stage with the interaction, on the server. It hangs on the account's rows like a session: whatever ends the
 * sessions of a person (disabled, another role, another password) ends it as well.
 */
export async function keepStage(parts: InteractionParts, { uid }: Step, stage: Stage): Promise<void> {
  const { account, ways: _ways, ...rest } = stage;
  const payload = { accountId: account.id, mark: markOf(parts, account), ...rest };
  await parts.authorizations.put(model, uid, payload, { expiresIn: lifetime });
}

/** The stage of this sign-in, if there is one and the account is still what it was at the password. */
export async function stageOf(parts: InteractionParts, { uid }: Step): Promise<Stage | undefined> {
  const kept = await parts.authorizations.find(model, { id: uid });
  if (!kept) return undefined;
  const { accountId, mark, ...rest } = kept as unknown as Omit<Stage, 'account' | 'ways'> &
    Record<'accountId' | 'mark', string>;
  const account = await parts.world.read(({ accounts }) => accounts.byId(accountId));
  if (!account || account.disabled || markOf(parts, account) !== mark) return undefined;
  const ways = await parts.world.read((stores) => waysOf(stores, parts.world.settings, account));
  const [first] = ways.ways;
  if (first === undefined) return undefined;
  return { account, ways, ...rest, way: ways.ways.includes(rest.way) ? rest.way : first };
}

export function endStage(parts: InteractionParts, { uid }: Step): Promise<void> {
  return parts.authorizations.remove(model, uid);
}

/** What must not change between the steps. */
function markOf({ cookieKey }: InteractionParts, { id, passwordHash, role, fhirUser, email }: Account): string {
  const facts = JSON.stringify([id, passwordHash, role, fhirUser, email]);
  return createHmac('sha256', cookieKey).update(`stage ${facts}`).digest('base64url');
}
