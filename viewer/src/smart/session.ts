/** Who is signed in, for pages: plain values only, the tokens stay in `sign-in.ts`. */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { jwtClaims, personFrom, type Person } from './claims.ts';
import type { FreshSignIn } from '../api/fresh-sign-in.ts';
import type { Confirmation, SignIn } from './sign-in.ts';

/**
 * `unknown`: not looked up yet; `expired`: was signed in, and the server takes the tokens no more.
 * `no-role`: signed in with an account that has no part in this application.
 */
export type SessionState = 'unknown' | 'signed-out' | 'signed-in' | 'expired' | 'no-role';

interface SignedIn {
  profile: Record<string, unknown>;
  access_token: string;
}

export const useSession = defineStore('session', () => {
  const state = ref<SessionState>('unknown');
  const person = ref<Person>();
  /** Also when the session has ended: pages, and dialogs on them, keep what they show and what was typed. */
  const role = computed(() => (['signed-in', 'expired'].includes(state.value) ? person.value?.role : undefined));
  let door: SignIn | undefined;
  let wipe: (() => void) | undefined;

  function connect(signIn: SignIn): void {
    door = signIn;
    signIn.onChange((user) => {
      if (user) take(user);
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
    if (user) take(user);
    else state.value = 'signed-out';
  }

  /** The server refused a renewed token: pages keep what they show, and ask to sign in again. */
  function expire(): void {
    if (state.value === 'signed-in') state.value = 'expired';
  }

  async function complete(): Promise<string> {
    const { user, returnTo } = await open().complete();
    take(user);
    return returnTo;
  }

  /** What else must not outlive the session, such as answers that were kept. */
  function onSignOut(listener: () => void): void {
    wipe = listener;
  }

  /** @throws when the server cannot be reached: then the tokens are gone from this device, and no more. */
  async function end(): Promise<void> {
    state.value = 'signed-out';
    person.value = undefined;
    wipe?.();
    try {
      await open().end();
    } catch (thrown) {
      await open().forget();
      throw thrown;
    }
  }

  function open(): SignIn {
    if (!door) throw new Error('session used before connect()');
    return door;
  }

  const begin = (returnTo: string): Promise<void> => open().begin(returnTo);
  const confirmation = (wanted: FreshSignIn): Promise<Confirmation> => open().confirmation(wanted);
  return { state, person, role, connect, resume, expire, complete, begin, confirmation, end, onSignOut };
});
