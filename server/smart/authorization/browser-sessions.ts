import type { ParameterizedContext } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { deviceName } from '../../core/accounts/sign-in/device-name.ts';
import type { SessionStore } from '../../core/accounts/sign-in/session-store.ts';
import type { State } from '../../http/state.ts';

/**
 * Writes down which browser a session lives in, and when it was seen: at every authorization request and every renewed
 * token. That is what people are shown of their sessions.
 */
export async function noteBrowser(
  sessions: Pick<SessionStore, 'seen' | 'renewed'>,
  ctx: KoaContextWithOIDC & ParameterizedContext<State>,
): Promise<void> {
  const { oidc } = ctx;
  const address = ctx.state.clientAddress;
  if (oidc?.route === 'authorization' || oidc?.route === 'resume') {
    const { session } = oidc;
    if (session?.accountId === undefined || session.loginTs === undefined || !session.uid) return;
    const device = deviceName(ctx.get('User-Agent'));
    await sessions.seen({
      id: session.uid,
      accountId: session.accountId,
      device,
      address,
      signedInAt: session.loginTs,
    });
  }
  if (oidc?.route === 'token' && ctx.status === 200) {
    const uid = oidc.entities.RefreshToken?.sessionUid;
    if (uid !== undefined) await sessions.renewed(uid, address);
  }
}
