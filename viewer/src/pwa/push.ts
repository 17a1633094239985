/**
 * Being told that there is news while no page is open (W3C Push API). The subscription belongs to the browser, so it must
 * belong to the person who is signed in: one that somebody else left is ended.
 */
import type { NoticesClient } from '../api/notices.ts';

export type PushAnswer = 'on' | 'off' | 'denied' | 'unsupported';

export const canPush = (): boolean =>
  'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;

async function subscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

/** After signing in, and when it is asked how things stand: what this browser has is this person's, or is ended. */
export async function keepPush(notices: NoticesClient, signal?: AbortSignal): Promise<PushAnswer> {
  if (!canPush()) return 'unsupported';
  const { key, subscribed } = await notices.push(signal);
  const own = await subscription();
  if (key === undefined) return 'unsupported';
  if (!own) return Notification.permission === 'denied' ? 'denied' : 'off';
  if (subscribed.includes(await digestOf(own.endpoint)) && isFor(own, key)) {
    await notices.tellHere(own.toJSON()); // it hangs on the sign-in, which is a new one
    return 'on';
  }
  await own.unsubscribe();
  return 'off';
}

/** Asks the person, by the browser's own question. */
export async function startPush(notices: NoticesClient): Promise<PushAnswer> {
  const { key } = await notices.push();
  if (!canPush() || key === undefined) return 'unsupported';
  if ((await Notification.requestPermission()) !== 'granted') return 'denied';
  const registration = await navigator.serviceWorker.ready;
  await (await subscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await notices.tellHere(made.toJSON());
  return 'on';
}

/** Also when the person signs out; the server may be away then, and its push service says later that nobody is there. */
export async function endPush(notices: NoticesClient): Promise<void> {
  if (!canPush()) return;
  const own = await subscription();
  if (!own) return;
  await Promise.allSettled([notices.tellNoMore(own.endpoint), own.unsubscribe()]);
}

function isFor(own: PushSubscription, key: string): boolean {
  const used = own.options.applicationServerKey;
  return used === null || base64url(new Uint8Array(used)) === key;
}

async function digestOf(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
