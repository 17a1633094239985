/**
 * The channel by which the server says what has changed (`/live`): ids only, of what the person may read. After a break
 * it goes on where it stopped, so that nothing is missed.
 */
import type { TokenSource } from './http.ts';

export interface LiveChange {
  /** FHIR type. */
  type: string;
  id: string;
  act: 'create' | 'update' | 'delete';
  /** Id of the coordination Task of the review that it is a step or a result of. */
  review?: string;
}

export interface LiveNews {
  changes: LiveChange[];
  /** Types of which something may have to go from what is shown; or of which too much changed to name it. */
  gone: string[];
  /** What is no FHIR record: `deliveries`, `users` ... */
  topics: string[];
}

export interface LiveListener {
  news(news: LiveNews): void;
  /** Something happened that cannot be told: everything is to be asked anew. */
  reset(): void;
  /** Whether changes are heard of at this moment. */
  heard(isLive: boolean): void;
}

export interface LiveChannel {
  /** @returns how to hang up. */
  open(listener: LiveListener): () => void;
  /** The person's token was renewed. */
  renewed(token: string): void;
}

type FromServer =
  | { type: 'welcome'; cursor: string }
  | ({ type: 'changes'; cursor: string } & LiveNews)
  | { type: 'reset'; cursor: string }
  | { type: 'alive' }
  | { type: 'bye'; reason: string };

/** The server says something every 25 s; twice nothing is a line that is dead without knowing it. */
const silenceMs = 60_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** @param make for tests, which bring a socket of their own. */
export function liveChannel(
  origin: string,
  tokens: Pick<TokenSource, 'current' | 'renewed'>,
  make: (url: string) => WebSocket = (url) => new WebSocket(url),
): LiveChannel {
  const url = `${origin.replace(/^http/, 'ws')}/live`;
  let renew: ((token: string) => void) | undefined;

  function open(listener: LiveListener): () => void {
    const begun = performance.now();
    let socket: WebSocket | undefined;
    let cursor: string | undefined;
    let pause = firstPauseMs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let refused: string | undefined;
    let isOver = false;

    async function connect(): Promise<void> {
      timer = undefined;
      const token = refused === undefined ? await tokens.current() : await tokens.renewed(refused);
      // Signed out, or offline: the next try asks again.
      if (isOver) return;
      if (token === undefined) return again();
      speak(token);
    }

    function speak(token: string): void {
      const made = make(url);
      socket = made;
      let sent = token;
      const say = (message: object) => made.readyState === WebSocket.OPEN && made.send(JSON.stringify(message));
      made.onopen = () => {
        say({
          type: 'hello',
          token,
          ...(cursor === undefined ? { age: Math.round(performance.now() - begun) } : { after: cursor }),
        });
        renew = (fresh) => {
          sent = fresh;
          say({ type: 'token', token: fresh });
        };
        listen();
      };
      made.onmessage = ({ data }) => {
        listen();
        hear(JSON.parse(String(data)) as FromServer);
      };
      made.onclose = ({ code }) => {
        if (socket !== made) return;
        refused = code === 4401 ? sent : undefined;
        hangUp();
        again();
      };
    }

    function hear(message: FromServer): void {
      if (message.type === 'welcome') {
        cursor ??= message.cursor;
        refused = undefined;
        pause = firstPauseMs;
        listener.heard(true);
      } else if (message.type === 'changes') {
        listener.news(message);
        cursor = message.cursor;
      } else if (message.type === 'reset') {
        listener.reset();
        cursor = message.cursor;
      }
    }

    function listen(): void {
      clearTimeout(silence);
      const heardBy = socket;
      silence = setTimeout(() => {
        if (socket !== heardBy) return;
        hangUp();
        again();
      }, silenceMs);
    }

    function hangUp(): void {
      const was = socket;
      socket = undefined;
      renew = undefined;
      clearTimeout(silence);
      was?.close();
      listener.heard(false);
    }

    /** Not all pages at the same moment after a restart of the server. */
    function again(): void {
      clearTimeout(timer);
      if (isOver) return;
      timer = setTimeout(() => void connect().catch(again), pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, longestPauseMs);
    }

    /** A machine that wakes, or finds its network again, does not wait for the pause to end. */
    function now(): void {
      if (isOver || socket || document.visibilityState === 'hidden') return;
      clearTimeout(timer);
      pause = firstPauseMs;
      void connect().catch(again);
    }
    globalThis.addEventListener('online', now);
    void connect().catch(again);
    return () => {
      isOver = true;
      globalThis.removeEventListener('online', now);
      clearTimeout(timer);
      hangUp();
    };
  }

  return { open, renewed: (token) => renew?.(token) };
}
