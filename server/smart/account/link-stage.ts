import { createHash, randomBytes } from 'node:crypto';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { Ctx } from '../interactions/interaction-step.ts';

/** Seconds. The link itself may end sooner. */
const lifetime = 60 * 60;
const model = 'LinkStage';
const cookie = 'csss_link';

/** What was done so far on the page of a link; nothing of it is the account's before all is. */
export interface LinkStage {
  accountId: string;
  /** Of the chosen password. */
  passwordHash?: string;
  /** The present password was right. */
  passwordKnown?: boolean;
  /** Of the authenticator app that is shown; sealed. */
  totp?: string;
  /** Of the passkey question that is asked. */
  challenge?: string;
}

/**
 * Names the browser's way through this link: a second visitor with the same link has a way of their own, and who
 * finishes first has it. The cookie is set by the first look, which keeps nothing.
 */
export function stageIdOf(ctx: Ctx, word: string, publicUrl: string): string {
  const given = ctx.cookies.get(cookie, { signed: false }) ?? '';
  const own = /^[\w-]{43}$/.test(given) ? given : randomBytes(32).toString('base64url');
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  if (own !== given)
    ctx.append(
      'Set-Cookie',
      `${cookie}=${own}; Path=/account/link/; Max-Age=${lifetime}; HttpOnly; SameSite=Lax${secure}`,
    );
  return createHash('sha256').update(`${own} ${word}`).digest('base64url');
}

export async function linkStage(store: AuthorizationStore, id: string): Promise<LinkStage | undefined> {
  return (await store.find(model, { id })) as unknown as LinkStage | undefined;
}

/** With the account's rows: what ends the sessions of a person ends this as well. */
export async function keepLinkStage(store: AuthorizationStore, id: string, stage: LinkStage): Promise<void> {
  await store.put(model, id, { ...stage }, { expiresIn: lifetime });
}

export function endLinkStage(store: AuthorizationStore, id: string): Promise<void> {
  return store.remove(model, id);
}
