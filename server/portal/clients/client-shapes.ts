/** What goes over the wire about apps and systems, and how it is made of a registration. */
import { z } from 'zod';
import type { Registered } from '../../core/accounts/clients/change-client.ts';
import { usableKeys, type JudgedKey } from '../../core/accounts/clients/client-keys.ts';
import { clientMethods } from '../../core/accounts/clients/client-registration.ts';
import type { RegisteredClient } from '../../core/accounts/clients/client-store.ts';
import type { KeySets } from '../../core/accounts/clients/key-sets.ts';
import { Problem } from '../../core/problem.ts';
import { own } from '../../core/table.ts';

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
export const newClient = draft.extend({
  /** What settings name it by; made by the server without it. */
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{2,63}$/, 'has 3 to 64 characters of a-z, 0-9, dot, dash and underscore').refine((id) => id !== 'tokens', 'is an address of its own').optional(), // prettier-ignore
});
export const changedClient = draft.extend({ version: z.number().int().optional() });
export const renewal = z.object({ atOnce: z.enum(['true', 'false']).optional() });

const time = z.iso.datetime();
export const clientShape = z.object({
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
export const registeredShape = z.object({ client: clientShape, secret: z.string().optional() });
export const keysShape = z.object({
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

/** With the secret, if there is one to be shown. */
export function shownOnce({ client, secret }: Registered): object {
  return { client: shown(client), ...(secret !== undefined && { secret }) };
}

/** A registration without its hashes. */
export function shown(client: RegisteredClient): object {
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

/** In plain words: whoever registers a system sees at once why its signature would not be believed. */
export async function checkKeys(
  keys: KeySets,
  { metadata: { jwks, jwks_uri: uri } }: RegisteredClient,
): Promise<object> {
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
