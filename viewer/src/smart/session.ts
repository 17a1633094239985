/** Who is signed in, for pages: plain values only, the tokens stay in `sign-in.ts`. */
import type { User } from 'oidc-client-ts';
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { jwtClaims, personFrom, type Person } from './claims.ts';
import type { FreshSignIn } from '../api/fresh-sign-in.ts';
import { isMarkedLocked, markLocked } from './lock-mark.ts';
import { forgetPlaces } from './places.ts';
import type { Confirmation, SignIn } from './sign-in.ts';

/**
 * `unknown`: not looked up yet; `expired`: was signed in, and the server takes the tokens no more.
 * `no-role`: signed in with an account that has no part in this application.
 */
export type SessionState = 'unknown' | 'signed-out' | 'signed-in' | 'expired' | 'no-role';

/** Why nothing of the page is shown: nobody has been there for a while; somebody else has signed in in its window. */
export type Cover = 'idle' | 'another-person';

interface SignedIn {
  profile: Record<string, unknown>;
  access_token: string;
}

/** How long leaving may wait for what a slow network has to be told. Milliseconds. */
const patience = 3_000;

const leftKey = 'csss.left-alone';

/** Whether somebody signed out here while the server could not be told; asked once. */
export function wasLeftAlone(): boolean {
  const left = sessionStorage.getItem(leftKey) !== null;
  sessionStorage.removeItem(leftKey);
  return left;
}

export const useSession = defineStore('session', () => {
  const state = ref<SessionState>('unknown');
  const person = ref<Person>();
  const cover = ref<Cover>();
  /** Also when the session has ended: pages, and dialogs on them, keep what they show and what was typed. */
  const role = computed(() => (['signed-in', 'expired'].includes(state.value) ? person.value?.role : undefined));
  let door: SignIn | undefined;
  const wipes: (() => unknown)[] = [];

  function connect(signIn: SignIn): void {
    door = signIn;
    signIn.onChange((user) => {
      if (user) take(user);
    });
    signIn.onOver(expire);
    signIn.onGone(leaveNothing);
    // The Back button may bring a page back as it was, from the browser's memory, after its person has gone.
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) void signIn.holder().then((now) => now !== person.value?.subject && location.reload());
    });
  }

  function take({ profile, access_token: access }: SignedIn): void {
    person.value = personFrom(profile, jwtClaims(access));
    state.value = person.value ? 'signed-in' : 'no-role';
  }

  /** Picks up the session of this tab, once. */
  async function resume(): Promise<void> {
    if (state.value !== 'unknown') return;
    const user = await open().resume();
    if (!user) state.value = 'signed-out';
    else {
      take(user);
      if (isMarkedLocked()) cover.value = 'idle';
    }
  }

  /** The server refused a renewed token: pages keep what they show, and ask to sign in again. */
  function expire(): void {
    if (state.value === 'signed-in') state.value = 'expired';
  }

  async function complete(): Promise<string> {
    const { user, returnTo } = await open().complete();
    forgetPlaces(); // of whoever was here before
    markLocked(false);
    take(user);
    return returnTo;
  }

  /** What else must not outlive the session, such as answers that were kept. */
  function onSignOut(listener: () => unknown): void {
    wipes.push(listener);
  }

  async function wipe(): Promise<void> {
    state.value = 'signed-out';
    person.value = undefined;
    cover.value = undefined;
    markLocked(false);
    forgetPlaces();
    const done = Promise.allSettled(wipes.map(async (one) => one()));
    await Promise.race([done, new Promise((enough) => setTimeout(enough, patience))]);
  }

  /** Where the server cannot be reached the tokens are gone from this device, and no more; the next page says so. */
  async function end(): Promise<void> {
    // While there still is a token: what the server keeps for this browser ends with the session.
    await wipe();
    try {
      await open().end();
    } catch {
      await open().forget();
      // What images and lists have left in this page's memory goes with the page.
      sessionStorage.setItem(leftKey, '1');
      location.replace('/');
    }
  }

  /** In another tab the person signed out, or somebody else signed in. A new page has no memory of what this one had. */
  function leaveNothing(): void {
    document.body.hidden = true;
    void wipe().finally(() => location.replace('/'));
  }

  function hide(why: Cover): void {
    if (state.value !== 'signed-in' && state.value !== 'expired') return;
    if (why === 'idle') markLocked(true);
    cover.value = why;
  }

  function uncover(): void {
    markLocked(false);
    cover.value = undefined;
  }

  /** Somebody else goes on in this window: with their own page, and nothing of the one before. */
  async function handOver(user: User): Promise<void> {
    document.body.hidden = true;
    await wipe();
    await open().replaceBy(user);
    location.replace('/work');
  }

  function open(): SignIn {
    if (!door) throw new Error('session used before connect()');
    return door;
  }

  const begin = (returnTo: string): Promise<void> => open().begin(returnTo, { anew: isMarkedLocked() });
  const confirmation = (wanted: FreshSignIn): Promise<Confirmation> => open().confirmation(wanted);
  return { state, person, role, cover, connect, resume, expire, complete, begin, confirmation, end, onSignOut, hide, uncover, handOver }; // prettier-ignore
});
