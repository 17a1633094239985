/** The browsers in which somebody wants to be told. */
import { hash } from 'node:crypto';
import { newId } from '../identifier.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { SecretBox } from '../secret-box.ts';
import type { World } from '../world.ts';
import type { PushSubscription } from './push-store.ts';
import type { PushTarget } from './pusher.ts';

/** Names an address without giving it away. */
export const digestOf = (endpoint: string): string => hash('sha256', endpoint, 'base64url');

/**
 * This browser, for as long as its person is signed in there. Whoever had it before is told nothing in it any more.
 *
 * @throws Problem `value` for an address that is never asked, `not-supported` where the site does not want it,
 *   `forbidden` for a token that hangs on no sign-in in a browser.
 */
export async function addPushTarget(
  world: Pick<World, 'transaction' | 'secrets' | 'push'>,
  { subject: accountId, grantId }: Principal,
  target: PushTarget,
): Promise<void> {
  world.push.check(target);
  const id = newId();
  const row = { id, accountId, digest: digestOf(target.endpoint), sealed: world.secrets.seal(JSON.stringify(target), aboutOf(id)) };
  const kept =
    grantId !== undefined && (await world.transaction(({ pushes }) => pushes.save({ ...row, grantId })));
  if (!kept) throw new Problem('forbidden', 'This token hangs on no sign-in in a browser.');
} // prettier-ignore

/** @throws Problem `exception` if it cannot be opened. */
export function openTarget(box: SecretBox, { id, sealed }: Pick<PushSubscription, 'id' | 'sealed'>): PushTarget {
  return JSON.parse(box.open(sealed, aboutOf(id))) as PushTarget;
}

const aboutOf = (id: string) => `push-subscription ${id}`;
