import { z } from 'zod';
import type { JudgedKey } from '../core/accounts/client-keys.ts';
import {
  changeClient,
  registerClient,
  removeClient,
  renewSecret,
  setClientDisabled,
  type Registered,
} from '../core/accounts/change-client.ts';
import { clientMethods, type ClientDraft } from '../core/accounts/client-registration.ts';
import { usableKeys } from '../core/accounts/client-keys.ts';
import type { RegisteredClient, RegistrationToken } from '../core/accounts/client-store.ts';
import type { KeySets } from '../core/accounts/key-sets.ts';
import { issueRegistrationToken } from '../core/accounts/registration-tokens.ts';
import type { Principal, Role } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';
import type { World } from '../core/world.ts';
import { apiRoute, type ApiRoute } from './api-route.ts';

export interface ClientRoutesParts {
  world: Pick<World, 'read' | 'transaction'>;
  clientKeys: KeySets;
  /** Throws away cached token checks of this process; others' end within seconds. */
  forget(): void;
}

const kinds = ['public-app', 'confidential-app', 'backend', 'sender'] as const;
const address = z.string().trim().min(1).max(2000);
const draft = z.object({
  name: z.string(),
  kind: z.enum(kinds),
  method: z.enum(clientMethods),
  redirectUris: z.array(address).default([]),
  launchUri: address.optional(),
  logoUri: address.optional(),
  scope: z.string(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  jwksUri: address.optional(),
  mayIntrospect: z.boolean().default(false),
});
const newClient = draft.extend({
  /** What settings name it by; made by the server without it. */
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{2,63}$/, 'has 3 to 64 characters of a-z, 0-9, dot, dash and underscore').refine((id) => id !== 'tokens', 'is an address of its own').optional(), // prettier-ignore
});
const changedClient = draft.extend({ version: z.number().int().optional() });
const newToken = z.object({
  name: z.string().trim().min(1).max(100),
  scope: z.string(),
  days: z.number().int().min(1).max(365),
  uses: z.number().int().min(1).max(1000),
});
const renewal = z.object({ atOnce: z.enum(['true', 'false']).optional() });

const time = z.iso.datetime();
const clientShape = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(kinds),
  method: z.enum(clientMethods),
  redirectUris: z.array(z.string()),
  launchUri: z.string().optional(),
  logoUri: z.string().optional(),
  scope: z.string(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  jwksUri: z.string().optional(),
  mayIntrospect: z.boolean(),
  disabled: z.boolean(),
  ours: z.boolean(),
  version: z.number(),
  createdAt: time,
  lastUsedAt: time.optional(),
  registeredBy: z.string().optional(),
});
const registeredShape = z.object({ client: clientShape, secret: z.string().optional() });
const keysShape = z.object({
  ok: z.boolean(),
  text: z.string(),
  fault: z.string().optional(),
  keys: z.array(
    z.object({
      kid: z.string().optional(),
      kty: z.string().optional(),
      alg: z.string().optional(),
      kind: z.string(),
      fault: z.string().optional(),
    }),
  ),
});
const tokenShape = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.string(),
  uses: z.number(),
  usesLeft: z.number(),
  createdBy: z.string().optional(),
  createdAt: time,
  endsAt: time,
});

const admins: readonly Role[] = ['admin'];
const tag = 'Apps and systems';

/** Registered apps and systems, and the words with which they register themselves. */
export function clientRoutes(parts: ClientRoutesParts): ApiRoute[] {
  return [...tokenRoutes(parts), ...registrationRoutes(parts), ...actRoutes(parts)];
}

function registrationRoutes({ world, clientKeys, forget }: ClientRoutesParts): ApiRoute[] {
  const base = { tag, roles: admins } as const;
  return [
    apiRoute({
      ...base,
      method: 'get',
      path: '/portal/clients',
      summary: 'All registered apps and systems, by name',
      event: 'portal:clients',
      answer: { schema: z.object({ clients: z.array(clientShape), total: z.number() }) },
      async handle() {
        const clients = (await world.read(({ clients }) => clients.all())).map(shown);
        return { clients, total: clients.length };
      },
    }),
    apiRoute({
      ...base,
      method: 'get',
      path: '/portal/clients/:id',
      summary: 'One of them',
      event: 'portal:clients',
      answer: { schema: clientShape },
      async handle({ params }) {
        return shown(await found(world, params.id!));
      },
    }),
    apiRoute({
      ...base,
      method: 'post',
      path: '/portal/clients',
      summary: 'Registers an app or a system; its secret, if it has one, is shown this once',
      event: 'client:register',
      fresh: true,
      body: newClient,
      answer: { status: 201, schema: registeredShape },
      async handle({ body, principal, about }) {
        const { id, ...wanted } = body;
        const registeredBy = await nameOf(world, principal);
        const registered = await world.transaction((stores) =>
          registerClient(stores, clientKeys, wanted as ClientDraft, { id, ...registeredBy }),
        );
        about({ entities: [`Client/${registered.client.id}`] });
        return answer(registered);
      },
    }),
    apiRoute({
      ...base,
      method: 'put',
      path: '/portal/clients/:id',
      summary: 'Changes a registration; with the version that was seen, 409 if somebody else changed it since',
      event: 'client:change',
      fresh: true,
      body: changedClient,
      answer: { schema: clientShape },
      async handle({ params, body, about }) {
        about({ entities: [`Client/${params.id!}`] });
        const { version, ...wanted } = body;
        const changed = await world.transaction((stores) =>
          changeClient(stores, clientKeys, params.id!, wanted as ClientDraft, version),
        );
        forget();
        return shown(changed);
      },
    }),
    apiRoute({
      ...base,
      method: 'delete',
      path: '/portal/clients/:id',
      summary: 'Removes a registration and all that people gave to it',
      event: 'client:delete',
      fresh: true,
      answer: { status: 204 },
      async handle({ params, about }) {
        about({ entities: [`Client/${params.id!}`] });
        await world.transaction((stores) => removeClient(stores, params.id!));
        forget();
      },
    }),
  ];
}

function actRoutes({ world, clientKeys, forget }: ClientRoutesParts): ApiRoute[] {
  const setDisabled = (act: 'disable' | 'enable', summary: string) =>
    apiRoute({
      method: 'post',
      path: `/portal/clients/:id/${act}`,
      summary,
      tag,
      roles: admins,
      event: `client:${act}`,
      fresh: true,
      answer: { schema: clientShape },
      async handle({ params, about }) {
        about({ entities: [`Client/${params.id!}`] });
        const client = await world.transaction((stores) => setClientDisabled(stores, params.id!, act === 'disable'));
        forget();
        return shown(client);
      },
    });
  return [
    setDisabled('disable', 'Takes it out of service: its tokens end within a minute, what people gave to it at once'),
    setDisabled('enable', 'Lets it work again; people are asked anew'),
    apiRoute({
      method: 'post',
      path: '/portal/clients/:id/secret',
      summary: 'A new secret, shown this once; the one before is good for a day, or with atOnce=true ends now',
      tag,
      roles: admins,
      event: 'client:secret',
      fresh: true,
      query: renewal,
      answer: { schema: registeredShape },
      async handle({ params, query, about }) {
        about({ entities: [`Client/${params.id!}`] });
        const atOnce = query.atOnce === 'true';
        return answer(await world.transaction((stores) => renewSecret(stores, params.id!, { atOnce })));
      },
    }),
    apiRoute({
      method: 'post',
      path: '/portal/clients/:id/check-keys',
      summary: 'What is found at the address of its keys, or why nothing is',
      tag,
      roles: admins,
      event: 'client:check-keys',
      answer: { schema: keysShape },
      async handle({ params, about }) {
        about({ entities: [`Client/${params.id!}`] });
        return checkKeys(clientKeys, await found(world, params.id!));
      },
    }),
  ];
}

function tokenRoutes({ world }: ClientRoutesParts): ApiRoute[] {
  const base = { tag, roles: admins } as const;
  return [
    apiRoute({
      ...base,
      method: 'get',
      path: '/portal/clients/tokens',
      summary: 'Words with which systems register themselves (RFC 7591)',
      event: 'portal:registration-tokens',
      answer: { schema: z.object({ tokens: z.array(tokenShape), total: z.number() }) },
      async handle() {
        const tokens = (await world.read(({ registrationTokens }) => registrationTokens.all())).map(shownToken);
        return { tokens, total: tokens.length };
      },
    }),
    apiRoute({
      ...base,
      method: 'post',
      path: '/portal/clients/tokens',
      summary: 'Issues such a word; it is shown this once',
      event: 'client:token',
      fresh: true,
      body: newToken,
      answer: { status: 201, schema: tokenShape.extend({ token: z.string() }) },
      async handle({ body, principal, about }) {
        const { registeredBy: issuedBy } = await nameOf(world, principal);
        const { word, token } = await world.transaction((stores) =>
          issueRegistrationToken(stores, { ...body, issuedBy }),
        );
        about({ entities: [`RegistrationToken/${token.id}`] });
        return { ...shownToken(token), token: word };
      },
    }),
    apiRoute({
      ...base,
      method: 'delete',
      path: '/portal/clients/tokens/:id',
      summary: 'Ends such a word; what was registered with it stays',
      event: 'client:token',
      fresh: true,
      answer: { status: 204 },
      async handle({ params, about }) {
        about({ entities: [`RegistrationToken/${params.id!}`] });
        const gone = await world.transaction(({ registrationTokens }) => registrationTokens.remove(params.id!));
        if (!gone) throw new Problem('not-found', 'There is no such token; it may have been deleted.');
      },
    }),
  ];
}

async function found(world: ClientRoutesParts['world'], id: string): Promise<RegisteredClient> {
  const client = await world.read(({ clients }) => clients.byId(id));
  if (!client) throw new Problem('not-found', 'There is no such client; it may have been deleted.');
  return client;
}

/** As it is shown, so that it stays readable when the person has gone. */
async function nameOf(
  { read }: ClientRoutesParts['world'],
  { subject }: Principal,
): Promise<{ registeredBy?: string }> {
  const account = await read(({ accounts }) => accounts.byId(subject));
  return account ? { registeredBy: account.displayName } : {};
}

function answer({ client, secret }: Registered): object {
  return { client: shown(client), ...(secret !== undefined && { secret }) };
}

/** Without hashes. */
function shown(client: RegisteredClient): object {
  const { metadata, allowedScope, createdAt, lastUsedAt } = client;
  const text = (name: string) => {
    const value = own(metadata, name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    id: client.id,
    name: text('client_name') ?? client.id,
    kind: client.kind,
    method: text('token_endpoint_auth_method') ?? 'client_secret_basic',
    redirectUris: metadata.redirect_uris ?? [],
    launchUri: text('initiate_login_uri'),
    logoUri: text('logo_uri'),
    scope: allowedScope ?? '',
    jwks: metadata.jwks,
    jwksUri: text('jwks_uri'),
    mayIntrospect: client.mayIntrospect,
    disabled: client.disabled,
    ours: client.firstParty,
    version: client.version,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString(),
    registeredBy: client.registeredBy,
  };
}

function shownToken({ createdAt, expiresAt, issuedBy: createdBy, ...token }: RegistrationToken): object {
  return { ...token, createdBy, createdAt: createdAt.toISOString(), endsAt: expiresAt.toISOString() };
}

/** In plain words: whoever registers a system sees at once why its signature would not be believed. */
async function checkKeys(keys: KeySets, { metadata: { jwks, jwks_uri: uri } }: RegisteredClient): Promise<object> {
  if (typeof uri !== 'string') {
    if (jwks === undefined)
      throw new Problem('business-rule', 'This client has no keys: it is public, or it has a secret.');
    return verdict(usableKeys(jwks).judged);
  }
  try {
    return verdict((await keys.look(uri)).judged);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ok: false, text: error.message, fault: error.message, keys: [] };
  }
}

function verdict(keys: JudgedKey[]): object {
  const usable = keys.filter(({ fault }) => fault === undefined).length;
  const number = `${keys.length} ${keys.length === 1 ? 'key' : 'keys'} found`;
  const others = keys.length === usable ? '' : `, ${keys.length - usable} of no use here`;
  if (usable > 0) return { ok: true, text: `${number}${others}. Signatures can be checked.`, keys };
  const text = `${number}${others}. No signature can be checked.`;
  return { ok: false, text, fault: text, keys };
}
