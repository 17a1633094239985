import type { WebSocket } from 'ws';
import { isBehind, type NewsFeed, type News } from '../core/news/news-feed.ts';
import { newsOf, type HeardNews, type Sight } from '../core/news/news-of.ts';
import { callerOf, type Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { countIn, liveLimits as limits } from './limits.ts';
import { closeCodes, fromPage, type Farewell, type Hello, type ToPage } from './messages.ts';

/** What a channel asks of the face. */
export interface ChannelParts {
  feed: NewsFeed;
  verify(token: string): Promise<Principal>;
  sightOf(news: News): Sight;
  /** Takes a place for this caller; false if there is none. */
  enter(caller: string): boolean;
  leave(caller: string): void;
  /** It was let in, or refused. */
  opened(principal: Principal): Promise<void>;
  refused(error: unknown): Promise<void>;
  told(news: News, heard: HeardNews): void;
  closed(reason: Farewell | 'left'): void;
}

/**
 * One page's channel: says what changed of what its person may read, from where the page stopped hearing.
 *
 * News are narrowed one after the other, so that cursors only grow; and each with the rights of that moment, because a
 * channel outlives changes of role, restriction and token.
 */
export class Channel {
  readonly #socket: WebSocket;
  readonly #parts: ChannelParts;
  readonly #messages = countIn(10_000);
  #token = '';
  #principal: Principal | undefined;
  #caller: string | undefined;
  /** News that wait; undefined until the page has said hello. */
  #waiting: News[] | undefined;
  #telling = false;
  #lost = false;
  /** The page has heard everything up to here, maybe from a process that was faster. */
  #heard: string | undefined;
  #stopFollowing: (() => void) | undefined;
  #answered = true;
  #over = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(socket: WebSocket, parts: ChannelParts) {
    this.#socket = socket;
    this.#parts = parts;
    const late = setTimeout(() => this.close('not-understood'), limits.helloMs);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#over) return;
      if (isBinary || this.#messages('') > limits.messagesPerTenSeconds) return this.close('not-understood');
      const message = fromPage(data.toString());
      if (!message || (message.type === 'hello') !== (this.#token === '')) return this.close('not-understood');
      clearTimeout(late);
      this.#token ||= message.token;
      this.#turn = this.#turn.then(() =>
        (message.type === 'hello' ? this.#begin(message) : this.#renew(message.token)).catch((error: unknown) =>
          this.#fail(error),
        ),
      );
    });
    socket.on('pong', () => (this.#answered = true));
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      clearTimeout(late);
      this.#end('left');
    });
  }

  get isKnown(): boolean {
    return this.#principal !== undefined;
  }

  /** It has said nothing yet. */
  get isSilent(): boolean {
    return this.#token === '';
  }

  async #begin({ token, after, age }: Hello): Promise<void> {
    const principal = await this.#parts.verify(token).catch(async (error: unknown) => {
      await this.#parts.refused(error);
      throw error;
    });
    if (this.#over) return;
    if (principal.kind !== 'user') throw new Problem('login', 'Pages of people only.');
    const caller = callerOf(principal);
    if (!this.#parts.enter(caller)) return this.close('full');
    this.#caller = caller;
    this.#principal = principal;
    await this.#parts.opened(principal);
    if (this.#over) return;
    const { feed } = this.#parts;
    this.#waiting = [];
    this.#telling = true; // until what was missed is told
    this.#stopFollowing = feed.follow((news) => this.#hear(news));
    const here = feed.position();
    const from = after ?? feed.positionBefore(age ?? 0);
    this.#send({ type: 'welcome', cursor: from ?? '0.0' });
    if (from !== here) {
      const missed = from === undefined ? undefined : await feed.between(from, here);
      if (missed) {
        this.#heard = missed.cursor;
        await this.#tell(missed);
      } else this.#send({ type: 'reset', cursor: here });
    }
    this.#telling = false;
    await this.#tellWaiting();
  }

  async #renew(token: string): Promise<void> {
    const principal = await this.#parts.verify(token);
    if (callerOf(principal) !== this.#caller) throw new Problem('login', "The token is another person's.");
    this.#token = token;
    this.#take(principal);
  }

  #hear(news: News): void {
    if (!this.#waiting) return;
    if (this.#waiting.length < limits.waitingNews) this.#waiting.push(news);
    else this.#lost = true;
    void this.#tellWaiting().catch((error: unknown) => this.#fail(error));
  }

  async #tellWaiting(): Promise<void> {
    if (this.#telling || !this.#waiting) return;
    this.#telling = true;
    while (!this.#over) {
      if (this.#lost) {
        // At once, and in place of all that waits: a later cursor must not go over what was left out.
        this.#lost = false;
        this.#waiting.length = 0;
        this.#send({ type: 'reset', cursor: this.#parts.feed.position() });
      }
      const news = this.#waiting.shift();
      if (!news) break;
      if (this.#heard !== undefined && !isBehind(this.#heard, news.cursor)) continue;
      await this.#tell(news);
    }
    this.#telling = false;
  }

  async #tell(news: News): Promise<void> {
    const principal = await this.#stillMay();
    const heard = await newsOf(principal, news, this.#parts.sightOf(news));
    this.#send({ type: 'changes', cursor: news.cursor, ...inBrief(heard) });
    this.#parts.told(news, heard);
  }

  /** @throws Problem `login` or `expired` when the token stands no more. */
  async #stillMay(): Promise<Principal> {
    const principal = await this.#parts.verify(this.#token);
    this.#take(principal);
    return principal;
  }

  /** What somebody sees that another record is hidden, or opened in an emergency, is another page altogether. */
  #take(principal: Principal): void {
    const before = this.#principal;
    this.#principal = principal;
    const sees = ({ hidden, emergency, role, scopes }: Principal) => JSON.stringify([hidden, emergency, role, scopes]);
    if (before && sees(before) !== sees(principal)) this.#send({ type: 'reset', cursor: this.#parts.feed.position() });
  }

  /** Asked every few seconds, also when nothing happens. */
  async check(): Promise<void> {
    if (!this.isKnown || this.#over) return;
    await this.#stillMay().catch((error: unknown) => {
      // That the database is away says nothing about the token.
      if (isRefusal(error)) this.#fail(error);
    });
  }

  /** @returns false when the last one was not answered: nobody is there any more. */
  ping(): boolean {
    if (!this.#answered) {
      this.#socket.terminate();
      return false;
    }
    this.#answered = false;
    this.#socket.ping();
    if (this.isKnown) this.#send({ type: 'alive' });
    return true;
  }

  /** Ends at once, for another one that needs the place. */
  giveWay(): void {
    this.#end('full');
    this.#socket.terminate();
  }

  #send(message: ToPage): void {
    if (this.#over) return;
    if (this.#socket.bufferedAmount > limits.backlogBytes) {
      // What it has not taken it never will in time: it comes again and says where it stopped.
      this.#end('slow');
      return this.#socket.terminate();
    }
    this.#socket.send(JSON.stringify(message));
  }

  #fail(error: unknown): void {
    this.close(isRefusal(error) ? 'login' : 'unavailable');
  }

  close(reason: Farewell): void {
    if (this.#over) return;
    this.#send({ type: 'bye', reason });
    if (this.#over) return;
    this.#end(reason);
    this.#socket.close(closeCodes[reason], reason);
    setTimeout(() => this.#socket.terminate(), 2_000).unref();
  }

  #end(reason: Farewell | 'left'): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopFollowing?.();
    this.#waiting = undefined;
    if (this.#caller !== undefined) this.#parts.leave(this.#caller);
    this.#parts.closed(reason);
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'login' || error.code === 'expired');

/** Of a flood only what kinds of records it is about. */
function inBrief({ changes, gone, topics }: HeardNews): HeardNews {
  if (changes.length <= limits.changes) return { changes, gone, topics };
  return { changes: [], gone: [...new Set([...gone, ...changes.map(({ type }) => type)])], topics };
}
