import type { ParameterizedContext } from 'koa';
import type { Client } from 'oidc-provider';
import type { Settings } from '../../core/settings.ts';
import type { State } from '../../http/state.ts';
import { isFirstParty } from '../authorization/granted-scopes.ts';

type Ctx = ParameterizedContext<State>;

const name = 'csss_finished';
/** Seconds that the page of a sign-in which is over still knows where it led: as long as a page is likely to be gone back to. */
const lifetime = 12 * 60 * 60;

/** Where a sign-in has led: our own application, or another one. */
export type Led = 'own' | 'app';

/**
 * Leaves a word at the address of the sign-in about where it leads, for whoever comes back to it with the Back button, or
 * stays on it until it is over. It names nobody, opens nothing, and is sent to this one address.
 *
 * @param finished of another app nothing is said before: it has to begin a sign-in anew itself.
 */
export function markWay(
  { world }: { world: { settings: Pick<Settings, 'publicUrl'> } },
  { ctx, uid, client }: { ctx: Ctx; uid: string; client: Client },
  { finished }: { finished: boolean },
): void {
  const led: Led = isFirstParty(client) ? 'own' : 'app';
  if (finished === (led === 'own')) return;
  const secure = world.settings.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${name}=${led}; Path=/interaction/${uid}; Max-Age=${lifetime}; HttpOnly; SameSite=Lax${secure}`,
  );
}

/** Where this sign-in led, if this browser went through it. */
export function hasLed(ctx: Ctx): Led | undefined {
  const value = ctx.cookies.get(name, { signed: false });
  return value === 'own' || value === 'app' ? value : undefined;
}
