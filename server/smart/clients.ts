import type { AuthorizationStore, Payload, SmartClient } from '../core/accounts/authorizations.ts';
import { hashSecret } from './authorization/provider.ts';

export const viewerClientId = 'csss-viewer';

export interface AppRegistration {
  id: string;
  name: string;
  redirectUris: string[];
  /** Makes it a confidential client with HTTP Basic; at least 32 random characters. */
  secret?: string;
  /** `native` apps may use loopback and private-scheme redirects. */
  kind?: 'web' | 'native';
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
 * Registers our viewer and the given apps and backend services.
 *
 * @throws Error naming the registration at fault: these come from the operator.
 */
export async function seedClients(store: Pick<AuthorizationStore, 'saveClient'>, seeds: ClientSeeds): Promise<void> {
  await store.saveClient(viewer(seeds));
  for (const app of seeds.apps ?? []) await store.saveClient(appClient(app));
  for (const backend of seeds.backends ?? []) await store.saveClient(backendClient(backend));
}

function viewer({ publicUrl, viewerOrigins = [] }: ClientSeeds): SmartClient {
  const origins = [publicUrl, ...viewerOrigins];
  return registration(
    viewerClientId,
    {
      client_name: 'CSSS Viewer',
      client_uri: publicUrl,
      application_type: 'web',
      redirect_uris: origins.map((origin) => `${origin}/signed-in`),
      post_logout_redirect_uris: origins.flatMap((origin) => [origin, `${origin}/`]),
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    { firstParty: true },
  );
}

function appClient(app: AppRegistration): SmartClient {
  if (app.secret !== undefined && app.secret.length < 32)
    throw new Error(`Client ${app.id}: a secret needs at least 32 random characters.`);
  return registration(
    app.id,
    {
      client_name: app.name,
      application_type: app.kind ?? 'web',
      redirect_uris: app.redirectUris,
      ...(app.launchUri === undefined ? {} : { initiate_login_uri: app.launchUri }),
      token_endpoint_auth_method: app.secret === undefined ? 'none' : 'client_secret_basic',
      ...(app.secret === undefined ? {} : { client_secret: hashSecret(app.secret) }),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    app.allowedScope === undefined ? {} : { allowedScope: app.allowedScope },
  );
}

function backendClient(backend: BackendRegistration): SmartClient {
  const { id, name, jwks, allowedScope, mayIntrospect = false } = backend;
  for (const key of jwks.keys) {
    const isPublic = !('d' in key) && !('k' in key);
    const isStrong = key.kty === 'RSA' || (key.kty === 'EC' && key.crv === 'P-384');
    if (!isPublic || !isStrong || typeof key.kid !== 'string') {
      throw new Error(`Client ${id}: its keys must be public RSA or P-384 keys, each with a kid.`);
    }
  }
  return registration(
    id,
    {
      client_name: name,
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      grant_types: ['client_credentials'],
      response_types: [],
    },
    { allowedScope, mayIntrospect },
  );
}

function registration(id: string, metadata: Payload, rest: Partial<SmartClient>): SmartClient {
  return { id, metadata, firstParty: false, mayIntrospect: false, disabled: false, ...rest };
}

/** A standalone app on this computer, on any loopback port: what demo mode registers for people who try their own. */
export const demoApp: AppRegistration = {
  id: 'csss-demo-app',
  name: 'Demo SMART app',
  kind: 'native',
  redirectUris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
};

/** Whether the caller came through our own viewer. */
export function isFirstPartyPrincipal(principal: { clientId: string }): boolean {
  return principal.clientId === viewerClientId;
}
