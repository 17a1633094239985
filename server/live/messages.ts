/** What goes over the channel: JSON texts, ids and words only. */
import { z } from 'zod';
import type { HeardNews } from '../core/news/news-of.ts';

const token = z.string().min(1).max(12_000);
const hello = z.object({
  type: z.literal('hello'),
  token,
  /** Where the page stopped hearing. */
  after: z.string().max(40).optional(),
  /** Of a page that has heard nothing yet: milliseconds since it began to load what it shows. */
  age: z.number().min(0).max(1e12).optional(),
});
const renewed = z.object({ type: z.literal('token'), token });

export type Hello = z.infer<typeof hello>;
export type FromPage = Hello | z.infer<typeof renewed>;

const known = z.discriminatedUnion('type', [hello, renewed]);

/** @returns undefined for anything else: whoever sends that is no page of ours. */
export function fromPage(text: string): FromPage | undefined {
  try {
    return known.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Why a channel ends. */
export type Farewell =
  /** The token is not valid, or not any more: another one, or nothing. */
  | 'login'
  /** It said nothing, or something that is no message, or too much. */
  | 'not-understood'
  /** Too many pages, or of this person: ask now and then instead. */
  | 'full'
  /** It does not take what is sent. */
  | 'slow'
  /** The database cannot be asked. */
  | 'unavailable'
  /** This process stops: another one goes on. */
  | 'stopping';

/** WebSocket close codes (RFC 6455 7.4); 44xx are ours, after the status of HTTP. */
export const closeCodes: Record<Farewell, number> = {
  login: 4401,
  'not-understood': 1008,
  full: 1013,
  slow: 1013,
  unavailable: 1013,
  stopping: 1012,
};

export type ToPage =
  /** Heard from here on. */
  | { type: 'welcome'; cursor: string }
  | ({ type: 'changes'; cursor: string } & HeardNews)
  /** What happened meanwhile cannot be told: ask everything anew. */
  | { type: 'reset'; cursor: string }
  /** Nothing has happened, and the line is still there: a page cannot see pings. */
  | { type: 'alive' }
  | { type: 'bye'; reason: Farewell };
