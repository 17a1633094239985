/** Client metadata in the words of RFC 7591 2, as systems send and read it. */
import { z } from 'zod';
import { own } from '../../table.ts';
import { checkWebAddress } from './client-addresses.ts';
import { clientMethods, keptMetadata, type ClientDraft } from './client-registration.ts';
import type { RegisteredClient } from './client-store.ts';

const address = z.string().min(1).max(2000);
const words = z.string().min(1).max(200);

/** What is read; other members are ignored, as the standard asks (RFC 7591 2). */
const shape = z.object({
  redirect_uris: z.array(address).max(100).default([]),
  token_endpoint_auth_method: z.enum(clientMethods).default('client_secret_basic'),
  grant_types: z.array(z.enum(['authorization_code', 'refresh_token', 'client_credentials'])).optional(),
  response_types: z.array(z.literal('code')).optional(),
  client_name: z.string({ error: 'is needed: people read it when they are asked for access' }),
  client_uri: address.optional(),
  logo_uri: address.optional(),
  scope: z.string({ error: 'is needed: the scopes that the client may be granted' }),
  contacts: z.array(z.email()).max(10).optional(),
  tos_uri: address.optional(),
  policy_uri: address.optional(),
  jwks_uri: address.optional(),
  jwks: z.unknown().optional(),
  software_id: words.optional(),
  software_version: words.optional(),
  initiate_login_uri: address.optional(),
  post_logout_redirect_uris: z.array(address).max(20).optional(),
});

/** Names of the fields of a draft in the standard's words, for refusals. */
const standardNames: Record<string, string> = {
  redirectUris: 'redirect_uris',
  launchUri: 'initiate_login_uri',
  logoUri: 'logo_uri',
  jwksUri: 'jwks_uri',
  name: 'client_name',
  method: 'token_endpoint_auth_method',
};

/** The field of a refusal in the standard's words. */
export function standardName(field: string): string {
  return own(standardNames, field) ?? field;
}

/**
 * What a system asks for.
 *
 * @returns the draft, or why it cannot be read.
 * @throws Problem `value` for addresses that are not accepted.
 */
export function draftOf(metadata: unknown): { draft: ClientDraft } | { fault: string; field: string } {
  const parsed = shape.safeParse(metadata);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = String(issue?.path[0] ?? '');
    return { field, fault: `${issue?.path.join('.') || 'The metadata'}: ${issue?.message ?? 'is not valid'}.` };
  }
  const value = parsed.data;
  const grants = value.grant_types ?? ['authorization_code'];
  const isService = grants.includes('client_credentials');
  if (isService && grants.length > 1)
    return {
      field: 'grant_types',
      fault: 'grant_types: a service has client_credentials alone; register the app with people by itself.',
    };
  for (const name of ['client_uri', 'tos_uri', 'policy_uri'] as const)
    if (value[name] !== undefined) checkWebAddress(value[name], name);
  for (const uri of value.post_logout_redirect_uris ?? []) checkWebAddress(uri, 'post_logout_redirect_uris');
  const method = value.token_endpoint_auth_method;
  return {
    draft: {
      name: value.client_name,
      kind: isService ? 'backend' : method === 'none' ? 'public-app' : 'confidential-app',
      method,
      redirectUris: value.redirect_uris,
      launchUri: value.initiate_login_uri,
      logoUri: value.logo_uri,
      scope: value.scope,
      ...(value.jwks !== undefined && { jwks: value.jwks }),
      jwksUri: value.jwks_uri,
      grantTypes: grants,
      more: Object.fromEntries(
        keptMetadata.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])),
      ),
    },
  };
}

/** The registration in the standard's words, without secrets and hashes (RFC 7591 3.2.1). */
export function metadataOf({ id, metadata, allowedScope, createdAt }: RegisteredClient): Record<string, unknown> {
  const { client_secret: _hash, ...rest } = metadata;
  return {
    client_id: id,
    client_id_issued_at: Math.floor(createdAt.getTime() / 1000),
    ...rest,
    ...(allowedScope !== undefined && { scope: allowedScope }),
  };
}
