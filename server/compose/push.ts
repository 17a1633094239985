import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { Pusher } from '../core/notices/pusher.ts';
import { makePushKeys, noPusher, webPusher, type PushKeys } from '../infrastructure/web-push.ts';
import type { Start } from './start.ts';

/**
 * The way to browsers that are closed, with a pair of keys that is made once and lies sealed with the server's other
 * secrets: another one would end every subscription.
 */
export async function openPusher(
  { config, settings: { publicUrl, demo } }: Pick<Start, 'config' | 'settings'>,
  secrets: Pick<AuthorizationStore, 'secret'>,
): Promise<Pusher> {
  if (!config.webPush) return noPusher;
  const keys = await secrets.secret<PushKeys>('web-push-keys', async () => makePushKeys());
  const subject = publicUrl.startsWith('https://') && !demo ? publicUrl : `mailto:${config.mailFrom}`;
  return webPusher(keys, { subject, loopback: demo });
}
