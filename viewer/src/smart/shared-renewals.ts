/**
 * One person's tabs have one set of tokens: one of them renews it, the others take it over. Whoever signs in later in
 * this browser takes it from the person before, in every tab.
 */
import { User, type UserManager } from 'oidc-client-ts';
import type { TabMessage, Tabs } from './tabs.ts';

export interface SharedRenewals {
  /** Newer tokens: another tab's, if one has them, else the server's. @throws what the server refused. */
  renew(): Promise<User | undefined>;
  /** These are the tokens now. */
  announce(user: User): void;
  /** Somebody has signed in in this tab. */
  begin(user: User): void;
  /** Signed out: the other tabs too. */
  end(): Promise<void>;
  onGone(listener: () => void): void;
}

/** When the person of this tab signed in, in milliseconds since 1970: whoever came later has the browser. */
const sinceKey = 'csss.since';
/** How long a tab waits for what another one may have, before it asks the server. Milliseconds. */
const patience = 150;

export function sharedRenewals(manager: UserManager, tabs: Tabs): SharedRenewals {
  let gone: (() => void) | undefined;
  const since = () => Number(sessionStorage.getItem(sinceKey) ?? 0);
  const announce = (user: User) =>
    tabs.tell({ kind: 'signed-in', subject: user.profile.sub, since: since(), user: user.toStorageString() });

  /** Nothing of the person stays in this tab. */
  async function leave(): Promise<void> {
    sessionStorage.removeItem(sinceKey);
    await manager.removeUser();
    gone?.();
  }

  tabs.hear((message) => void heed(message));
  async function heed(message: TabMessage): Promise<void> {
    const own = await manager.getUser();
    if (!own) return;
    const isOwn = message.subject === own.profile.sub;
    if (message.kind === 'signed-out' && isOwn) return leave();
    if (message.kind !== 'signed-in' && message.kind !== 'ask') return;
    if (!isOwn) {
      if (message.since > since()) return leave();
      return announce(own); // the other tab belongs to somebody who was here before
    }
    if (message.kind === 'ask' && (own.expires_at ?? 0) > message.until) announce(own);
    if (message.kind === 'signed-in' && isNewer(message.user, own)) {
      const user = User.fromStorageString(message.user);
      await manager.storeUser(user);
      await manager.events.load(user);
    }
  }
  // A tab that slept may have missed who came after it.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void ask();
  });

  async function ask(): Promise<void> {
    const own = await manager.getUser();
    if (own) tabs.tell({ kind: 'ask', subject: own.profile.sub, since: since(), until: own.expires_at ?? 0 });
  }

  async function renew(): Promise<User | undefined> {
    const held = await manager.getUser();
    return alone(async () => {
      await ask();
      await new Promise((done) => setTimeout(done, patience));
      const now = await manager.getUser();
      if (!now || now.refresh_token !== held?.refresh_token) return now ?? undefined;
      const user = await manager.signinSilent();
      if (user) announce(user);
      return user ?? undefined;
    });
  }

  return {
    renew,
    announce,
    begin(user) {
      sessionStorage.setItem(sinceKey, String(Date.now()));
      announce(user);
    },
    async end() {
      const own = await manager.getUser();
      sessionStorage.removeItem(sinceKey);
      if (own) tabs.tell({ kind: 'signed-out', subject: own.profile.sub });
    },
    onGone: (listener) => void (gone = listener),
  };
}

function isNewer(stored: string, own: User): boolean {
  return (User.fromStorageString(stored).expires_at ?? 0) > (own.expires_at ?? 0);
}

/** Of all tabs one at a time; without locks (no secure context) the server's own patience with tabs has to do. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  return 'locks' in navigator ? (navigator.locks.request('csss.renewal', work) as Promise<T>) : work();
}
