import type { Middleware, ParameterizedContext } from 'koa';
import mount from 'koa-mount';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { splitScopes } from '../../core/accounts/scopes.ts';
import type { AuthorizationStore, GrantContext } from '../../core/accounts/authorizations.ts';
import type { SessionStore } from '../../core/accounts/sign-in/session-store.ts';
import type { AuditRow, AuditTrail } from '../../core/access/audit-trail.ts';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import { readInstead, readThrough } from '../../http/request/body.ts';
import { formType } from '../../http/request/body-text.ts';
import { mediaType } from '../../http/answer/media-type.ts';
import type { State } from '../../http/state.ts';
import type { AccessTokens } from '../access-token.ts';
import { answerOAuth } from '../answer-problem.ts';
import { callerLimit, type CallerLimit } from '../caller-limit.ts';
import { longestForm, readFields } from '../interactions/form.ts';
import { speak, wordsOf } from '../../http/words/page-language.ts';
import { refusalWords } from '../../http/words/refusal-words.ts';
import { errorPage, showPage } from '../pages/layout.ts';
import { noteBrowser } from './browser-sessions.ts';
import type { Refresh, RefreshAgain } from './refresh-again.ts';

export interface AuthorizationServerParts {
  /** BCP 47 tags of the site, the usual one first. */
  languages: () => readonly string[] | undefined;
  publicUrl: string;
  provider: Provider;
  authorizations: AuthorizationStore;
  again: RefreshAgain;
  tokens: AccessTokens;
  audit: AuditTrail;
  sessions: Pick<SessionStore, 'seen' | 'renewed'>;
}

/** Each start of a sign-in is a row for half an hour; a clinic behind one address starts hundreds in the morning. */
const starts = { burst: 600, perSecond: 5 };
/** Refused token requests that are audited one by one; a flood of them must not fill the table for ever. */
const auditedRefusals = { burst: 300, perSecond: 1 };

/** Everything below /oidc: oidc-provider, with what SMART asks for and it does not do put around it. */
export function authorizationServer(parts: AuthorizationServerParts): Middleware<State> {
  // Inside, before its own routes: `ctx.oidc` is complete when they return.
  const refused = callerLimit(auditedRefusals);
  parts.provider.use(async (ctx, next) => {
    await next();
    await noteBrowser(parts.sessions, ctx as unknown as KoaContextWithOIDC & ParameterizedContext<State>);
    await afterToken(parts, refused, ctx as unknown as KoaContextWithOIDC & ParameterizedContext<State>);
  });
  const mounted = mount('/oidc', parts.provider as unknown as Middleware);
  const away = new WeakMap<object, Problem>();
  parts.provider.on('server_error', (ctx, error) => {
    if (error instanceof Problem) away.set(ctx.req, error);
  });
  const started = callerLimit(starts);
  return async (ctx, next) => {
    if (ctx.path !== '/oidc' && !ctx.path.startsWith('/oidc/')) return next();
    speak(ctx, { asked: ctx.query['ui_locales'], site: parts.languages() });
    // NUL: no text for PostgreSQL.
    if (/%00/.test(ctx.originalUrl)) {
      return showPage(ctx, { ...errorPage(wordsOf(ctx), wordsOf(ctx)('wrong.malformed')), status: 400 });
    }
    const isAuthorize = ctx.path === '/oidc/auth';
    if (isAuthorize && ctx.method === 'GET' && ctx.get('Host').toLowerCase() !== new URL(parts.publicUrl).host) {
      // Cookies belong to one host name: localhost and 127.0.0.1 are two.
      return ctx.redirect(`${parts.publicUrl}${ctx.originalUrl}`);
    }
    if (isAuthorize && !isWithin(started, ctx)) return tooManyStarts(started, ctx);
    pinOrigin(ctx, parts);
    if (isAuthorize && ctx.method === 'POST') return authorizeByPost(ctx, parts.publicUrl);
    if (isAuthorize && ctx.method === 'GET') askForConsent(ctx);
    if (ctx.path === '/oidc/token' && isForm(ctx)) {
      try {
        await nameClient(parts, ctx);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        answerOAuth(ctx, error);
        if (ctx.status < 500) ctx.status = 400; // RFC 6749 5.2 knows no other for a body that cannot be read
        return;
      }
    } else readThrough(ctx.req, longestForm);
    await mounted(ctx as never, next);
    // What oidc-provider took for a fault of its own, the database being away, keeps its true status.
    const problem = away.get(ctx.req);
    if (problem && ctx.status >= 500) answerOAuth(ctx, problem);
  };
}

/** Counts the request, unless its caller has no more to spend. */
function isWithin(limit: CallerLimit, ctx: ParameterizedContext<State>): boolean {
  const isFree = limit.wait(ctx.state.clientAddress) === 0;
  if (isFree) limit.count(ctx.state.clientAddress);
  return isFree;
}

function tooManyStarts(limit: CallerLimit, ctx: ParameterizedContext<State>): void {
  const wait = limit.wait(ctx.state.clientAddress);
  ctx.set('Retry-After', String(wait));
  const t = wordsOf(ctx);
  const said = refusalWords(t, `Too many sign-ins were started. Try again in ${wait} seconds.`);
  showPage(ctx, { ...errorPage(t, said), status: 429 });
}

/**
 * oidc-provider builds addresses, and the audiences that it accepts in client assertions, from the request's own
 * origin. Here that is always the public URL, whatever Host or X-Forwarded-Host say; cookies are signed with its keys.
 */
function pinOrigin(ctx: ParameterizedContext<State>, { publicUrl, provider }: AuthorizationServerParts): void {
  const { protocol, host } = new URL(publicUrl);
  const scheme = protocol.slice(0, -1);
  Object.defineProperties(ctx.request, {
    protocol: { value: scheme },
    secure: { value: scheme === 'https' },
    host: { value: host },
  });
  const cookies = provider.createContext(ctx.req, ctx.res).cookies;
  cookies.secure = scheme === 'https';
  ctx.cookies = cookies;
}

/** Node reads 16 KiB of headers, and the address is one of them. */
const longestQuery = 12_000;

/** `authorize-post`: the same request by GET, so that Lax cookies go along and nothing has to be SameSite=None. */
async function authorizeByPost(ctx: ParameterizedContext<State>, publicUrl: string): Promise<void> {
  const query = await readFields(ctx).then(String, () => undefined);
  if (query === undefined || query.includes('%00') || query.length > longestQuery) {
    return answerOAuth(ctx, new Problem('structure', `send a form of at most ${longestQuery} characters`));
  }
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(`${publicUrl}/oidc/auth?${query}`);
}

/** OpenID Connect grants `offline_access` only with `prompt=consent`, and oidc-provider drops it silently otherwise; SMART apps do not send it. */
function askForConsent(ctx: ParameterizedContext<State>): void {
  const { scope, prompt } = ctx.query;
  if (typeof scope !== 'string' || Array.isArray(prompt) || !splitScopes(scope).includes('offline_access')) return;
  const prompts = splitScopes(prompt);
  if (prompts.includes('none') || prompts.includes('consent')) return;
  ctx.query = { ...ctx.query, prompt: [...prompts, 'consent'].join(' ') };
}

const isForm = (ctx: ParameterizedContext<State>) =>
  ctx.method === 'POST' && mediaType(ctx.get('Content-Type'))?.media === formType;

/**
 * Apps refresh without saying who they are (fhirclient 2.6.3): a public client has nothing else to show, and the refresh
 * token names it. A client that has a secret or a key must still show it.
 */
async function nameClient(
  { authorizations }: AuthorizationServerParts,
  ctx: ParameterizedContext<State>,
): Promise<void> {
  const form = await readFields(ctx);
  const [token, ...more] = form.getAll('refresh_token');
  const isNamed = form.has('client_id') || form.has('client_assertion') || ctx.get('Authorization') !== '';
  if (form.get('grant_type') === 'refresh_token' && token && more.length === 0 && !isNamed) {
    const stored = await authorizations.find('RefreshToken', { id: token });
    const client = typeof stored?.clientId === 'string' ? await authorizations.client(stored.clientId) : undefined;
    if (client?.metadata.token_endpoint_auth_method === 'none') form.set('client_id', client.id);
  }
  readInstead(ctx.req, Buffer.from(form.toString()));
}

async function afterToken(
  parts: AuthorizationServerParts,
  refused: CallerLimit,
  ctx: KoaContextWithOIDC & ParameterizedContext<State>,
): Promise<void> {
  const { oidc } = ctx;
  const body = ctx.body as Record<string, unknown> | undefined;
  if (oidc?.route === 'token') {
    ctx.set('Pragma', 'no-cache');
    await answerRefresh(parts, ctx);
    if (ctx.status === 200) await record(parts, ctx, 'smart:token', 'success');
    else if (isWithin(refused, ctx)) await record(parts, ctx, 'smart:token', 'refused');
    if (ctx.status === 200) await parts.authorizations.noteClientUse(oidc.client!.clientId);
  }
  if (oidc?.route === 'end_session_confirm' && ctx.status === 303) {
    parts.tokens.forget();
    await record(parts, ctx, 'smart:sign-out', 'success');
  }
  if (oidc?.route === 'revocation') {
    // oidc-provider has authenticated the client and found that the token is a JWT, which it keeps no record of.
    if (body?.error === 'unsupported_token_type') await revokeAccessToken(parts, ctx);
    if (ctx.status === 200) {
      parts.tokens.forget();
      await record(parts, ctx, 'smart:revoke', 'success');
    }
  }
}

/**
 * Completes an answer of the token endpoint. Of a refresh it is kept for a moment; a second use of the token by the same
 * client gets it again. That the client showed itself is what `invalid_grant` says: it comes after that.
 */
async function answerRefresh(
  parts: AuthorizationServerParts,
  ctx: KoaContextWithOIDC & ParameterizedContext<State>,
): Promise<void> {
  const body = ctx.body as Record<string, unknown> | undefined;
  const refresh = refreshIn(ctx.oidc);
  if (ctx.status === 200 && body) {
    await addLaunchContext(parts, ctx, body);
    const { Grant: grant } = ctx.oidc.entities;
    if (refresh && grant?.jti && grant.accountId)
      await parts.again.keep(refresh, { grantId: grant.jti, accountId: grant.accountId }, body);
  } else if (refresh && body?.error === 'invalid_grant') {
    const again = await parts.again.answerAgain(refresh);
    if (!again) return;
    ctx.status = 200;
    ctx.body = again;
  }
}

function refreshIn({ params, client }: KoaContextWithOIDC['oidc']): Refresh | undefined {
  if (params?.grant_type !== 'refresh_token' || typeof params.refresh_token !== 'string' || !client) return undefined;
  return { token: params.refresh_token, scope: String(params.scope ?? ''), clientId: client.clientId };
}

/** What is open besides patient and encounter (SMART 2.2 "fhirContext"): the study that the app was launched for. */
export function fhirContext(grant: GrantContext): { fhirContext?: { reference: string }[] } {
  return grant.imagingStudy === undefined ? {} : { fhirContext: [{ reference: `ImagingStudy/${grant.imagingStudy}` }] };
}

/** Launch context beside the token (SMART 2.2 "Launch context arrives with your access_token"), for refreshes too. */
async function addLaunchContext(
  parts: AuthorizationServerParts,
  ctx: KoaContextWithOIDC,
  body: Record<string, unknown>,
): Promise<void> {
  const grantId = ctx.oidc.entities.Grant?.jti;
  const grant = grantId === undefined ? undefined : await parts.authorizations.grant(grantId);
  if (!grant) return;
  Object.assign(body, {
    ...(grant.patient === undefined ? {} : { patient: grant.patient, need_patient_banner: true }),
    ...(grant.encounter === undefined ? {} : { encounter: grant.encounter }),
    ...fhirContext(grant),
    smart_style_url: `${parts.publicUrl}/smart/style.json`,
  });
}

/** Ends the whole authorisation of a person's token, or the single token of a backend service; others' tokens are left alone, silently (RFC 7009 2.2). */
async function revokeAccessToken(
  parts: AuthorizationServerParts,
  ctx: KoaContextWithOIDC & ParameterizedContext<State>,
): Promise<void> {
  const claims = await parts.tokens.read(String(ctx.oidc.params?.token));
  if (claims && claims.client_id === ctx.oidc.client?.clientId) {
    if (claims.grant !== undefined) await parts.authorizations.revokeGrant(claims.grant);
    else await parts.authorizations.revokeToken(claims.jti, new Date(claims.exp * 1000));
  }
  ctx.status = 200;
  ctx.body = '';
}

async function record(
  { audit }: AuthorizationServerParts,
  ctx: KoaContextWithOIDC & ParameterizedContext<State>,
  event: string,
  outcome: AuditRow['outcome'],
): Promise<void> {
  await audit.append({
    action: 'E',
    event,
    outcome,
    principal: whoActed(ctx.oidc),
    ...(ctx.state.requestId === undefined ? {} : { requestId: ctx.state.requestId }),
    sourceAddress: ctx.state.clientAddress,
  });
}

/** The person of the tokens or session, else the client by itself; undefined if neither was told. */
function whoActed({ client, entities, session }: KoaContextWithOIDC['oidc']): Principal | undefined {
  const person = entities.Account?.accountId ?? session?.accountId;
  const subject = person ?? client?.clientId;
  if (subject === undefined) return undefined;
  const token = entities.AccessToken ?? entities.ClientCredentials;
  return {
    kind: person === undefined ? 'client' : 'user',
    subject,
    clientId: client?.clientId ?? '',
    scopes: [],
    ...(token?.jti === undefined ? {} : { tokenId: token.jti }),
  };
}
