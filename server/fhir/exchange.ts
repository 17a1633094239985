/** What every interaction is given, and what it answers: the face turns both from and into HTTP. */
import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import type { StoredRecord } from '../core/records/record-store.ts';
import type { World } from '../core/world.ts';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { resourceTypes } from '../core/r4/structure.ts';
import type { ReadOptions, ReadWorld } from '../core/records/read.ts';
import { clientGone } from '../http/request/client-gone.ts';
import { parseQueryString } from '../core/search/query-string.ts';
import { own } from '../core/table.ts';
import { traceOf } from '../core/trace.ts';
import type { PageTokens } from '../http/answer/page-token.ts';
import type { Representation } from './negotiation.ts';

/** A request that reads, perhaps inside a transaction. */
export interface ReadExchange {
  world: ReadWorld & Pick<World, 'checker'>;
  principal: Principal;
  requestId: string;
  sourceAddress: string;
  /** The caller is gone. */
  signal?: AbortSignal;
  /** Seals the addresses of further pages. */
  pages: PageTokens;
  /** Bytes of a request body. */
  bodyLimit: number;
}

/** A request of its own, which may also change something. */
export interface Exchange extends ReadExchange {
  world: World;
}

/** One interaction at one address. */
export type Handler = (exchange: Exchange, ctx: Context) => Promise<Answer> | Answer;

export interface Answer {
  status: number;
  resource?: Resource;
  /** The same resource as text, where there is text already: it is sent as it is. */
  json?: string | undefined;
  /** Gives ETag and Last-Modified. */
  record?: StoredRecord;
  /** Names the version in Location (201) or Content-Location. */
  located?: 'Location' | 'Content-Location';
  headers?: Record<string, string>;
  /** Instead of a resource: the content of a Binary. */
  bytes?: { type: string; content: Uint8Array };
  /** Of an interaction that negotiates itself, because what it offers depends on what it finds. */
  representation?: Representation;
}

export interface Preferences {
  return: 'minimal' | 'representation' | 'OperationOutcome';
  /** `handling=strict`: refuse unknown search parameters. */
  strict: boolean;
}

/** The Prefer header (FHIR http.html#ops, search.html#errors). */
export function preferencesOf(ctx: Context): Preferences {
  const wishes = ctx
    .get('Prefer')
    .split(/[,;]/)
    .map((wish) => wish.trim());
  const wanted = wishes
    .find((wish) => /^return=(minimal|representation|OperationOutcome)$/.test(wish))
    ?.slice('return='.length);
  return {
    return: (wanted as Preferences['return'] | undefined) ?? 'representation',
    strict: wishes.includes('handling=strict'),
  };
}

export const exchangeOf = (ctx: Context, face: Pick<Exchange, 'world' | 'pages' | 'bodyLimit'>): Exchange => ({
  ...face,
  principal: ctx['state']['principal'] as Principal,
  requestId: String(ctx['state']['requestId'] ?? ''),
  sourceAddress: String(ctx['state']['clientAddress'] ?? ''),
  signal: clientGone(ctx.res),
});

/** The path and query of a request, as interactions take them. */
export const typeOf = (ctx: Context): ResourceType => typeIn(pathPart(ctx, 'type'));
export const idOf = (ctx: Context): string => idIn(pathPart(ctx, 'id'));
export const queryOf = (ctx: Context): [string, string][] => parseQueryString(ctx.querystring);
export const pathPart = (ctx: Context, name: string): string | undefined =>
  own(ctx['params'] as Record<string, string>, name);

export const readOptions = (exchange: ReadExchange, queryString?: string): ReadOptions => ({
  ...traceOf(exchange),
  ...(queryString !== undefined && { queryString }),
});

/** Resources that exist in messages only and cannot be stored. */
const neverStored = new Set(['Parameters', 'OperationOutcome']);

/** The types that this server keeps. */
export const offeredTypes: readonly ResourceType[] = [...resourceTypes]
  .filter((type) => !neverStored.has(type))
  .sort() as ResourceType[];
const offered = new Set<string>(offeredTypes);

/** @throws Problem `not-found` for an address that names no R4 resource type. */
export function typeIn(written: string | undefined): ResourceType {
  if (written === undefined || !offered.has(written))
    throw new Problem('not-found', 'The address names no resource type of this server');
  return written as ResourceType;
}

/** @throws Problem `not-found` for what cannot be an id. */
export function idIn(written: string | undefined): string {
  if (written === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(written))
    throw new Problem('not-found', 'The address holds what is not an id');
  return written;
}
