/**
 * What the tabs of one browser tell each other about who is signed in. Only pages of this origin hear it, and nothing
 * of it is written down. Tokens go along: refresh tokens rotate, so that a copy of a tab which renews by itself with an
 * old one would look like a thief (RFC 9700 4.14.2).
 */
export type TabMessage =
  /** Somebody signed in, or tokens were renewed. `user`: what `User.toStorageString` gives. */
  | { kind: 'signed-in'; subject: string; since: number; user: string }
  /** Asks whether a tab has newer tokens, or belongs to somebody who signed in later. */
  | { kind: 'ask'; subject: string; since: number; until: number }
  | { kind: 'signed-out'; subject: string }
  | { kind: 'active' | 'locked' | 'unlocked'; subject: string };

export interface Tabs {
  tell(message: TabMessage): void;
  /** @returns what ends it. */
  hear(listener: (message: TabMessage) => void): () => void;
}

const name = 'csss.session';

export function openTabs(): Tabs {
  const channel = new BroadcastChannel(name);
  const listeners = new Set<(message: TabMessage) => void>();
  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    for (const listener of listeners) listener(data);
  };
  return {
    tell: (message) => channel.postMessage(message),
    hear(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
