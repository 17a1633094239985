import Router, { type RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { hasRow } from '../../core/access/refusal-log.ts';
import type { AuditRow } from '../../core/access/audit-trail.ts';
import type { Principal, Role } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import { own } from '../../core/table.ts';
import type { ReadsFrom } from '../../core/world.ts';
import { readJson } from '../../http/request/body-text.ts';
import { spokenTo } from '../../http/words/refusal-words.ts';
import type { State } from '../../http/state.ts';

/** What a handler is given, parsed. */
export interface Asked<Body = unknown, Query = unknown> {
  principal: Principal;
  params: Record<string, string>;
  body: Body;
  query: Query;
  requestId: string;
  sourceAddress: string;
  /** Adds to the call's row in the audit trail. */
  about(facts: Pick<AuditRow, 'patients' | 'entities'>): void;
  /** For answers that are no JSON. */
  ctx: RouterContext<State>;
}

/** What a route says about itself: it is checked by this, and stands in the OpenAPI document by this. */
export interface ApiDeclaration<Body = unknown, Query = unknown> {
  method: 'get' | 'head' | 'options' | 'post' | 'put' | 'patch' | 'delete';
  /** Below the origin, with `:names` (`/portal/users/:id/disable`). */
  path: string;
  /** One line for people. */
  summary: string;
  /** What the line leaves open. */
  description?: string;
  /** Heading in the document. */
  tag: string;
  /** `public`: everybody, without a token; else people with one of the roles, through our own application. */
  roles: 'public' | readonly Role[];
  /** Also through other applications: what their token reaches is said by `allow`. */
  anyApp?: boolean;
  /** Asks for a second factor that is not older than some minutes. */
  fresh?: boolean;
  /** Shapes of the path's names. Something that an enumeration does not have is no address of ours. */
  params?: Record<string, z.ZodType<string>>;
  body?: z.ZodType<Body>;
  query?: z.ZodType<Query>;
  /** Status and shape of the answer; `mayLack`: there may be nothing at the address, although it has no names to be filled in. */
  answer: { status?: number; schema?: z.ZodType; mediaType?: string; mayLack?: boolean };
}

/** One act of our own screens: its declaration checks what comes in, and is its part of the OpenAPI document. */
export interface ApiRoute<Body = unknown, Query = unknown> extends ApiDeclaration<Body, Query> {
  /** Event of its row in the audit trail (`portal:user-disable`). Public routes without one leave no row. */
  event?: string | ((params: Record<string, string>) => string);
  /** Names in the answer whose texts are words of this server: they are said in the language that the caller asks for. */
  spoken?: readonly string[];
  /** What role and application do not say. @throws Problem `forbidden`. */
  allow?(principal: Principal): void;
  /** Bytes of the body; 256 KiB without it. */
  largestBody?: number;
  handle(asked: Asked<Body, Query>): Promise<unknown>;
}

export interface ApiParts {
  world: ReadsFrom<'audit'>;
  bearer: Middleware<State>;
  /** Answers problems as OperationOutcome. */
  errors: Middleware;
  /** Leaves rows for what is refused before a route is reached. */
  refusals?: Middleware<State>;
  /** @throws Problem when the second factor of the token is missing or too old. */
  checkFresh?(principal: Principal): void;
}

export const everyRole: readonly Role[] = ['patient', 'doctor', 'pharmacist', 'admin'];
const largestBody = 256 * 1024;

export const isReading = ({ method }: Pick<ApiDeclaration, 'method'>): boolean =>
  method === 'get' || method === 'head' || method === 'options';

/** Keeps the types of body and query together with the handler that gets them. */
export function apiRoute<Body, Query>(route: ApiRoute<Body, Query>): ApiRoute {
  return route as ApiRoute;
}

/** The routes of a noun. Each call that is not public leaves an audit row, refused ones too. */
export function apiRouter(parts: ApiParts, routes: readonly ApiRoute[]): Router<State> {
  const router = new Router<State>();
  router.use(parts.errors as Middleware<State>);
  if (parts.refusals) router.use(parts.refusals);
  for (const route of routes) {
    const steps = route.roles === 'public' ? [] : [parts.bearer];
    router[route.method](route.path, ...steps, (ctx: RouterContext<State>) => answer(parts, route, ctx));
  }
  return router;
}

async function answer(parts: ApiParts, route: ApiRoute, ctx: RouterContext<State>): Promise<void> {
  const { requestId, clientAddress: sourceAddress } = ctx.state;
  const principal = route.roles === 'public' ? nobody : ctx.state.principal;
  const params = ctx.params as Record<string, string>;
  const facts: Pick<AuditRow, 'patients' | 'entities'> = {};
  const note = async (outcome: AuditRow['outcome'], why: Pick<AuditRow, 'reason'> = {}) => {
    if (route.event === undefined) return;
    const action = isReading(route) ? 'R' : 'E';
    const event = typeof route.event === 'string' ? route.event : route.event(params);
    const who = route.roles === 'public' ? undefined : principal;
    const row = { action, event, outcome, principal: who, requestId, sourceAddress, ...facts, ...why } as const;
    await parts.world.read(({ audit }) => audit.append(row));
  };
  ctx.set('Cache-Control', 'no-store');
  let result: unknown;
  try {
    mustBeAllowed(parts, route, principal);
    checkParams(route, params);
    const limit = route.largestBody ?? largestBody;
    result = await route.handle({
      principal,
      params,
      body: route.body && parsed(route.body, await bodyOf(route.body, ctx, limit), ''),
      query: route.query && parsed(route.query, { ...ctx.query }, 'query'),
      requestId,
      sourceAddress,
      about: (more) => void Object.assign(facts, more),
      ctx,
    });
  } catch (error) {
    const refused = error instanceof Problem && ['forbidden', 'login', 'reauthenticate'].includes(error.code);
    if (route.event !== undefined) hasRow(error);
    await note(refused ? 'refused' : 'failed', error instanceof Problem ? { reason: error.code } : {});
    throw error;
  }
  await note('success');
  if (result === undefined && ctx.body !== undefined && ctx.body !== null) return; // the handler has answered
  ctx.status = route.answer.status ?? (result === undefined ? 204 : 200);
  if (result !== undefined) ctx.body = route.spoken ? spoken(ctx, route.spoken, result) : result;
}

/** As JSON will have it: a date is a text by then. */
function spoken(ctx: RouterContext<State>, names: readonly string[], value: unknown): string {
  ctx.type = 'application/json';
  return JSON.stringify(value, (name, inner: unknown) =>
    names.includes(name) && typeof inner === 'string' ? spokenTo(ctx, inner) : inner,
  );
}

/** Where a body is optional, a request without one is as good as an empty one. */
async function bodyOf(schema: z.ZodType, ctx: RouterContext<State>, limit: number): Promise<unknown> {
  const isEmpty = ctx.get('Content-Type') === '' && ['', '0'].includes(ctx.get('Content-Length'));
  if (isEmpty && !ctx.get('Transfer-Encoding') && schema.safeParse(undefined).success) return undefined;
  return readJson(ctx, limit, 'The body must be JSON.');
}

const nobody: Principal = { kind: 'user', subject: '', clientId: '', scopes: [] };

/** Other apps never get here, whatever scopes they were given: accounts, apps and audit are no FHIR data. */
function mustBeAllowed(parts: ApiParts, route: ApiRoute, principal: Principal): void {
  if (route.roles === 'public') return;
  if (!route.anyApp && principal.firstParty !== true)
    throw new Problem('forbidden', 'This is done in our own application only.');
  if (!principal.role || !route.roles.includes(principal.role))
    throw new Problem('forbidden', `This is for the role ${route.roles.join(' or ')}.`);
  route.allow?.(principal);
  if (route.fresh) parts.checkFresh?.(principal);
}

function checkParams({ params = {} }: ApiRoute, given: Record<string, string>): void {
  for (const [name, schema] of Object.entries(params)) {
    if (schema instanceof z.ZodEnum && !schema.safeParse(own(given, name)).success)
      throw new Problem('not-found', 'There is nothing at this address.');
    parsed(schema, own(given, name), name);
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [name, ...(issue?.path ?? [])].filter((part) => part !== '').join('.');
  throw new Problem('value', `${path === '' ? 'The body' : path}: ${issue?.message ?? 'is not valid'}.`, {
    ...(path !== '' && { expression: path }),
  });
}
