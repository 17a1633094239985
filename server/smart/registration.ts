/**
 * Dynamic registration (RFC 7591) and its management (RFC 7592), guarded by a word that an administrator issues.
 *
 * oidc-provider has both, and they do not fit: it keeps and compares client secrets in clear, knows no scopes but those of
 * the sign-in, and stores a client outside the transaction that counts the use of the word. These routes stand in front of it.
 */
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { AuditRow } from '../core/access/audit-trail.ts';
import { changeClient, registerClient, removeClient } from '../core/accounts/clients/change-client.ts';
import { draftOf, metadataOf, standardName } from '../core/accounts/clients/client-metadata.ts';
import { checkCeiling, type ClientDraft } from '../core/accounts/clients/client-registration.ts';
import { hashSecret, isSecretOf, newSecret } from '../core/accounts/clients/client-secret.ts';
import type { RegisteredClient } from '../core/accounts/clients/client-store.ts';
import type { KeySets } from '../core/accounts/clients/key-sets.ts';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { newId } from '../core/identifier.ts';
import type { World } from '../core/world.ts';
import { statusOf } from '../http/answer/problem-status.ts';
import { readJson } from '../http/request/body-text.ts';
import type { State } from '../http/state.ts';
import { callerLimit } from './caller-limit.ts';

export interface RegistrationParts {
  world: Pick<World, 'read' | 'transaction' | 'settings'>;
  clientKeys: KeySets;
  /** Throws away cached token checks. */
  forget(): void;
}

type Context = RouterContext<State>;

const largestBody = 128 * 1024;
/** Refused tries that are audited one by one; a flood of them must not fill the table for ever. */
const auditedRefusals = { burst: 100, perSecond: 1 };

/** RFC 7591 3.2.2 and RFC 6750 3.1. */
type RegistrationError =
  'invalid_redirect_uri' | 'invalid_client_metadata' | 'invalid_software_statement' | 'invalid_token' | 'access_denied';

class Refusal extends Error {
  readonly error: RegistrationError;
  readonly status: number;
  constructor(error: RegistrationError, description: string, status = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

export function registrationRoutes(router: Router<State>, parts: RegistrationParts): void {
  const audited = callerLimit(auditedRefusals);
  const route =
    (event: string, handle: (parts: RegistrationParts, ctx: Context) => Promise<void>) => async (ctx: Context) => {
      ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
      try {
        await handle(parts, ctx);
      } catch (error) {
        if (!(error instanceof Refusal || error instanceof Problem)) throw error;
        answerRefusal(ctx, error);
        if (audited.wait(ctx.state.clientAddress) > 0) return;
        audited.count(ctx.state.clientAddress);
        await parts.world.read(({ audit }) => audit.append(rowOf(ctx, event, 'refused', undefined)));
      }
    };
  router.post('/oidc/reg', route('client:register', register));
  router.get('/oidc/reg/:id', route('client:read', show));
  router.put('/oidc/reg/:id', route('client:change', change));
  router.delete('/oidc/reg/:id', route('client:delete', remove));
}

/** RFC 7591 3.1. The use of the word is counted with the client, or not at all. */
async function register({ world, clientKeys }: RegistrationParts, ctx: Context): Promise<void> {
  const word = hashSecret(bearerOf(ctx));
  if (!(await world.read(({ registrationTokens }) => registrationTokens.find(word)))) throw noToken(ctx);
  const draft = await readDraft(ctx);
  const management = newSecret();
  const { client, secret } = await world.transaction(async (stores) => {
    const token = await stores.registrationTokens.use(word);
    if (!token) throw noToken(ctx);
    checkCeiling(draft.scope, token.scope);
    const registered = await registerClient(stores, clientKeys, draft, {
      id: newId(),
      registeredBy: `registration token "${token.name}"`,
      managementHash: hashSecret(management),
      scopeCeiling: token.scope,
    });
    await stores.audit.append(
      rowOf(ctx, 'client:register', 'success', registered.client.id, `RegistrationToken/${token.id}`),
    );
    return registered;
  });
  ctx.status = 201;
  ctx.body = {
    ...metadataOf(client),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...managedAt(world.settings.publicUrl, client.id, management),
  };
}

/** RFC 7592 2.1. Its secret is not in it: only the hash is known here. */
async function show({ world }: RegistrationParts, ctx: Context): Promise<void> {
  const { client, word } = await managed(world, ctx);
  ctx.body = { ...metadataOf(client), ...managedAt(world.settings.publicUrl, client.id, word) };
}

const notToBeSent = ['registration_access_token', 'registration_client_uri', 'client_secret_expires_at', 'client_id_issued_at']; // prettier-ignore

/** RFC 7592 2.2: the whole registration is replaced. */
async function change({ world, clientKeys, forget }: RegistrationParts, ctx: Context): Promise<void> {
  const { client, word } = await managed(world, ctx);
  const body = await readBody(ctx);
  const sent = notToBeSent.find((name) => Object.hasOwn(body, name));
  if (sent !== undefined) throw new Refusal('invalid_client_metadata', `${sent} must not be sent.`);
  if (body.client_id !== client.id)
    throw new Refusal('invalid_client_metadata', 'client_id must be that of the address.');
  if (body.client_secret !== undefined && !hasSecret(client, body.client_secret))
    throw new Refusal('invalid_client_metadata', 'client_secret is not the one of this client.');
  const draft = drafted(body);
  checkCeiling(draft.scope, client.scopeCeiling ?? '');
  const changed = await world.transaction(async (stores) => {
    const kept = { ...draft, mayIntrospect: client.mayIntrospect };
    const result = await changeClient(stores, clientKeys, client.id, kept, client.version);
    await stores.audit.append(rowOf(ctx, 'client:change', 'success', client.id));
    return result;
  });
  forget();
  ctx.body = { ...metadataOf(changed), ...managedAt(world.settings.publicUrl, client.id, word) };
}

/** RFC 7592 2.3. */
async function remove({ world, forget }: RegistrationParts, ctx: Context): Promise<void> {
  const { client } = await managed(world, ctx);
  await world.transaction(async (stores) => {
    await removeClient(stores, client.id);
    await stores.audit.append(rowOf(ctx, 'client:delete', 'success', client.id));
  });
  forget();
  ctx.status = 204;
}

/** The client of the address, if the word of the request is its own. Unknown clients and wrong words look the same. */
async function managed(
  world: RegistrationParts['world'],
  ctx: Context,
): Promise<{ client: RegisteredClient; word: string }> {
  const word = bearerOf(ctx);
  const client = await world.read(({ clients }) => clients.byId(String(ctx.params['id'])));
  if (!client || !isSecretOf([client.managementHash], word)) throw noToken(ctx);
  if (client.disabled) throw new Refusal('access_denied', 'An administrator has put this client out of service.', 403);
  return { client, word };
}

function bearerOf(ctx: Context): string {
  const word = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(ctx.get('Authorization'))?.[1];
  if (word === undefined) throw noToken(ctx);
  return word;
}

function noToken(ctx: Context): Refusal {
  const sent = ctx.get('Authorization') === '' ? '' : ', error="invalid_token"';
  ctx.set('WWW-Authenticate', `Bearer realm="csss"${sent}`);
  return new Refusal('invalid_token', 'This needs a token for registration that an administrator issued, and that is neither over nor used up.', 401); // prettier-ignore
}

async function readDraft(ctx: Context): Promise<ClientDraft> {
  return drafted(await readBody(ctx));
}

async function readBody(ctx: Context): Promise<Record<string, unknown>> {
  const body = await readJson(ctx, largestBody, 'Send the metadata as application/json.');
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new Refusal('invalid_client_metadata', 'The metadata must be a JSON object.');
  return body as Record<string, unknown>;
}

function drafted(body: Record<string, unknown>): ClientDraft {
  if (Object.hasOwn(body, 'software_statement'))
    throw new Refusal('invalid_software_statement', 'Software statements are not accepted: nobody who signs them is trusted here.'); // prettier-ignore
  const read = draftOf(body);
  if ('draft' in read) return read.draft;
  throw new Refusal(errorFor(read.field), read.fault);
}

const errorFor = (field: string): RegistrationError =>
  field === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata';

/** In the form of RFC 7591 3.2.2; the fields under the standard's names. */
function answerRefusal(ctx: Context, refusal: Refusal | Problem): void {
  if (refusal instanceof Refusal) {
    ctx.status = refusal.status;
    ctx.body = { error: refusal.error, error_description: refusal.message };
    return;
  }
  const { expression = '', message, code } = refusal;
  const field = standardName(expression);
  const description = expression !== '' && message.startsWith(`${expression}:`) ? `${field}${message.slice(expression.length)}` : message; // prettier-ignore
  ctx.status = code === 'business-rule' ? 400 : statusOf[code];
  if (refusal.retryAfter !== undefined) ctx.set('Retry-After', String(refusal.retryAfter));
  ctx.body = { error: ctx.status >= 500 ? 'temporarily_unavailable' : errorFor(field), error_description: description };
}

function managedAt(publicUrl: string, id: string, word: string): Record<string, string> {
  return { registration_client_uri: `${publicUrl}/oidc/reg/${id}`, registration_access_token: word };
}

function hasSecret({ metadata, previousSecret }: RegisteredClient, given: unknown): boolean {
  return typeof given === 'string' && isSecretOf([metadata.client_secret, previousSecret], given);
}

function rowOf(
  ctx: Context,
  event: string,
  outcome: AuditRow['outcome'],
  id: string | undefined,
  by?: string,
): AuditRow {
  const principal: Principal | undefined =
    id === undefined ? undefined : { kind: 'client', subject: id, clientId: id, scopes: [] };
  const asked = String(ctx.params['id'] ?? '');
  const named = id ?? (/^[\w.-]{1,100}$/.test(asked) ? asked : undefined);
  return {
    action: 'E',
    event,
    outcome,
    principal,
    entities: [...(named === undefined ? [] : [`Client/${named}`]), ...(by === undefined ? [] : [by])],
    requestId: ctx.state.requestId,
    sourceAddress: ctx.state.clientAddress,
  };
}
