import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { RefusalLog } from '../core/access/refusal-log.ts';
import { newId } from '../core/identifier.ts';
import type { News, NewsFeed } from '../core/news/news-feed.ts';
import { sight, type Sight } from '../core/news/news-of.ts';
import type { Principal } from '../core/principal.ts';
import type { ReadsFrom } from '../core/world.ts';
import { upgradingAddress } from '../http/request/client-address.ts';
import { Channel, type ChannelParts } from './channel.ts';
import { countIn, liveLimits as limits } from './limits.ts';
import type { Farewell } from './messages.ts';

export const livePath = '/live';

export interface LiveFaceParts {
  world: ReadsFrom<'records' | 'audit'>;
  feed: NewsFeed;
  verify(token: string): Promise<Principal>;
  refusals: Pick<RefusalLog, 'note'>;
  publicUrl: string;
  trusted: BlockList;
  /** Open channels of this process. */
  most: number;
  measures: LiveMeasures;
}

/** For operators. */
export interface LiveMeasures {
  open(channels: number): void;
  /** @param ms from the write to the message. */
  told(ms: number): void;
  closed(reason: Farewell | 'left' | 'refused'): void;
}

export interface LiveFace {
  /** Whether the request asks for a channel; all others are answered as if they asked for no upgrade. */
  isFor(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** How many pages hear of changes, of how many people. */
  state(): { channels: number; people: number };
  /** Takes no more channels, and says goodbye to those that are open. */
  drain(): void;
  close(): void;
}

/**
 * One channel for each open page (WebSocket, RFC 6455) that says what has changed: ids only, of what the person may
 * read. Pages ask for the records themselves as before, so that rights, formats and audit stay in one place.
 *
 * The token comes in the first message: in the address it would be in logs, and browsers send no Authorization header.
 */
export function liveFace(parts: LiveFaceParts): LiveFace {
  const { feed, measures } = parts;
  const origin = new URL(parts.publicUrl).origin;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false, // its buffers cost more than these short messages
    maxPayload: limits.messageBytes,
  });
  const channels = new Set<Channel>();
  const callers = new Map<string, number>();
  const openings = countIn(60_000);
  const sights = new WeakMap<News, Sight>();
  let draining = false;

  function refusal(request: IncomingMessage): [status: number, words: string] | undefined {
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') return [400, 'Bad Request'];
    if (request.headers.origin !== origin) return [403, 'Forbidden'];
    return draining || !hasRoom() ? [503, 'Service Unavailable'] : undefined;
  }

  /**
   * A page of ours says at once whose it is. So when there is no room, the one goes that has been silent longest: whoever opens
   * channels and says nothing keeps nobody else out.
   */
  function hasRoom(): boolean {
    const strangers = [...channels].filter(({ isKnown }) => !isKnown);
    if (channels.size < parts.most && strangers.length < limits.strangers) return true;
    const silent = strangers.find(({ isSilent }) => isSilent); // the oldest comes first
    silent?.giveWay();
    return silent !== undefined;
  }

  function open(request: IncomingMessage): Omit<ChannelParts, 'closed'> {
    const sourceAddress = upgradingAddress(request, parts.trusted);
    const row = { action: 'E', event: 'portal:live', requestId: newId(), sourceAddress } as const;
    return {
      feed,
      verify: parts.verify,
      sightOf(news) {
        const made =
          sights.get(news) ?? sight((...asked) => parts.world.read(({ records }) => records.visibleAmong(...asked)));
        sights.set(news, made);
        return made;
      },
      enter(caller) {
        const open = callers.get(caller) ?? 0;
        if (open >= limits.perAccount || openings(caller) > limits.openingsPerMinute) return false;
        callers.set(caller, open + 1);
        return true;
      },
      leave(caller) {
        const open = (callers.get(caller) ?? 1) - 1;
        if (open > 0) callers.set(caller, open);
        else callers.delete(caller);
      },
      opened: (principal) => parts.world.read(({ audit }) => audit.append({ ...row, principal, outcome: 'success' })),
      refused: (error) => parts.refusals.note(error, { ...row, principal: undefined }),
      told({ since }, { changes, topics }) {
        if (changes.length + topics.length > 0) measures.told(Math.max(0, Date.now() - since));
      },
    };
  }

  const pings = setInterval(() => channels.forEach((channel) => channel.ping()), limits.pingMs).unref();
  const checks = setInterval(() => void checkAll(channels), limits.checkMs).unref();

  return {
    isFor: ({ url = '' }) => url.split('?', 1)[0] === livePath,
    upgrade(request, socket, head) {
      socket.on('error', () => undefined);
      const refused = refusal(request);
      if (refused) {
        measures.closed('refused');
        const [status, words] = refused;
        socket.end(
          `HTTP/1.1 ${status} ${words}\r\nConnection: close\r\nContent-Length: 0\r\n${status === 503 ? 'Retry-After: 10\r\n' : ''}\r\n`,
        );
        return;
      }
      server.handleUpgrade(request, socket, head, (page) => {
        const channel: Channel = new Channel(page, {
          ...open(request),
          closed(reason) {
            channels.delete(channel);
            measures.open(channels.size);
            measures.closed(reason);
          },
        });
        channels.add(channel);
        measures.open(channels.size);
      });
    },
    state: () => ({ channels: channels.size, people: callers.size }),
    drain() {
      draining = true;
      for (const channel of [...channels]) channel.close('stopping');
    },
    close() {
      this.drain();
      clearInterval(pings);
      clearInterval(checks);
    },
  };
}

/** A few at a time, so that the questions of five hundred pages do not stand in the way of requests. */
async function checkAll(channels: ReadonlySet<Channel>): Promise<void> {
  const all = [...channels];
  for (let i = 0; i < all.length; i += 10) await Promise.all(all.slice(i, i + 10).map((channel) => channel.check()));
}
