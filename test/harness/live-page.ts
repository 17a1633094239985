import { WebSocket } from 'ws';

export interface Told {
  type: 'welcome' | 'changes' | 'reset' | 'alive' | 'bye';
  cursor?: string;
  changes?: { type: string; id: string; act: string; review?: string }[];
  gone?: string[];
  topics?: string[];
  reason?: string;
}

/** An open page as the server sees it: a WebSocket that has said hello, and all that it was told. */
export interface LivePage {
  told: Told[];
  /** The last cursor that it was given. */
  cursor(): string | undefined;
  /** Waits for a message, among those that came already too. */
  until(met: (message: Told) => boolean, what: string, ms?: number): Promise<Told>;
  send(message: unknown): void;
  socket: WebSocket;
  /** The code of the close frame, when it is closed. */
  closed: Promise<number>;
  close(): void;
}

/** @param hello undefined: it says nothing. */
export function openLivePage(
  server: { url: string },
  hello: Record<string, unknown> | undefined,
  headers: Record<string, string> = { Origin: server.url },
  /** PEM of a certificate that counts as good. */
  ca?: string,
): Promise<LivePage> {
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/live`, {
    headers,
    ...(ca !== undefined && { ca }),
  });
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString()) as Told);
    for (const look of [...waiting]) look();
  });
  const closed = new Promise<number>((done) => socket.on('close', (code) => done(code)));
  const page: LivePage = {
    told,
    socket,
    closed,
    cursor: () => told.findLast(({ cursor }) => cursor !== undefined)?.cursor,
    until: (met, what, ms = 20_000) =>
      new Promise((done, fail) => {
        const late = setTimeout(() => {
          waiting.delete(look);
          fail(new Error(`${what} was not told, but ${JSON.stringify(told).slice(0, 2000)}`));
        }, ms);
        const look = () => {
          const found = told.find(met);
          if (!found) return;
          clearTimeout(late);
          waiting.delete(look);
          done(found);
        };
        waiting.add(look);
        look();
      }),
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    close: () => socket.close(),
  };
  return new Promise((done, fail) => {
    socket.on('error', fail);
    socket.on('open', () => {
      if (hello) page.send({ type: 'hello', ...hello });
      done(page);
    });
  });
}

/** A page that hears: it was let in. */
export async function livePage(
  server: { url: string },
  token: string,
  more: Record<string, unknown> = {},
): Promise<LivePage> {
  const page = await openLivePage(server, { token, ...more });
  await page.until(({ type }) => type === 'welcome', 'the welcome');
  return page;
}

export const changeOf = (id: string) => (message: Told) => message.changes?.some((one) => one.id === id) === true;
