import type { AuthorizationStore, Payload } from '../core/accounts/authorizations.ts';
import { registrationOf, type ClientDraft } from '../core/accounts/clients/client-registration.ts';
import { hashSecret } from '../core/accounts/clients/client-secret.ts';
import type { SmartClient } from '../core/accounts/clients/client-store.ts';
import { Problem } from '../core/problem.ts';

export const viewerClientId = 'csss-viewer';

export interface AppRegistration {
  id: string;
  name: string;
  redirectUris: string[];
  /** Makes it a confidential client with HTTP Basic; at least 32 random characters. */
  secret?: string;
  launchUri?: string;
  /** The most that anybody can grant to it. */
  allowedScope?: string;
}

export interface BackendRegistration {
  id: string;
  name: string;
  /** Public keys, ES384 or RS384, each with a `kid`. */
  jwks: { keys: Payload[] };
  /** Pre-authorised `system/` scopes. */
  allowedScope: string;
  mayIntrospect?: boolean;
}

/** What is to be registered at start. A registration that is there is brought up to date; one that an admin disabled stays so. */
export interface ClientSeeds {
  publicUrl: string;
  /** Extra redirect addresses of the viewer, for its development server. */
  viewerOrigins?: string[];
  apps?: AppRegistration[];
  backends?: BackendRegistration[];
}

/**
 * Registers our viewer and the given apps and backend services, by the rules for all others.
 *
 * @throws Error naming the registration at fault: these come from the operator.
 */
export async function seedClients(store: Pick<AuthorizationStore, 'saveClient'>, seeds: ClientSeeds): Promise<void> {
  await store.saveClient(viewer(seeds));
  for (const app of seeds.apps ?? []) await store.saveClient(appClient(app));
  for (const { id, jwks, allowedScope: scope, mayIntrospect = false, name } of seeds.backends ?? [])
    await store.saveClient(
      seeded(id, { name, kind: 'backend', method: 'private_key_jwt', redirectUris: [], jwks, scope, mayIntrospect }),
    );
}

function viewer({ publicUrl, viewerOrigins = [] }: ClientSeeds): SmartClient {
  const origins = [publicUrl, ...viewerOrigins];
  return {
    id: viewerClientId,
    metadata: {
      client_name: 'CSSS Viewer',
      client_uri: publicUrl,
      application_type: 'web',
      redirect_uris: origins.map((origin) => `${origin}/signed-in`),
      post_logout_redirect_uris: origins.flatMap((origin) => [origin, `${origin}/`]),
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    firstParty: true,
    mayIntrospect: false,
    disabled: false,
  };
}

function appClient({ id, name, redirectUris, launchUri, allowedScope: scope, secret }: AppRegistration): SmartClient {
  if (secret !== undefined && secret.length < 32)
    throw new Error(`Client ${id}: a secret needs at least 32 random characters.`);
  const client = seeded(id, {
    name,
    kind: secret === undefined ? 'public-app' : 'confidential-app',
    method: secret === undefined ? 'none' : 'client_secret_basic',
    redirectUris,
    launchUri,
    scope,
  });
  return secret === undefined
    ? client
    : { ...client, metadata: { ...client.metadata, client_secret: hashSecret(secret) } };
}

function seeded(id: string, draft: ClientDraft): SmartClient {
  try {
    const { metadata, allowedScope, mayIntrospect } = registrationOf(draft, { check: () => undefined });
    const limit = allowedScope === undefined ? {} : { allowedScope };
    return { id, metadata, firstParty: false, mayIntrospect, disabled: false, ...limit };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Error(`Client ${id}: ${error.message}`, { cause: error });
  }
}

/** A standalone app on this computer, on any loopback port: what demo mode registers for people who try their own. */
export const demoApp: AppRegistration = {
  id: 'csss-demo-app',
  name: 'Demo SMART app',
  redirectUris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
};
