import { decodeProtectedHeader } from 'jose';
import { errors, Provider, type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { RegisteredClient } from '../../core/accounts/clients/client-store.ts';
import type { KeySets } from '../../core/accounts/clients/key-sets.ts';
import { Problem } from '../../core/problem.ts';
import type { RefreshAgain } from './refresh-again.ts';

export interface AdapterParts {
  authorizations: AuthorizationStore;
  keys: KeySets;
  again: RefreshAgain;
  onGrantEnded: () => void;
}

/**
 * oidc-provider's storage on our store. Its own checks read first and write later; here the write decides, so
 * that of two requests at the same moment only one gets through.
 */
export function oidcAdapter({ authorizations: store, keys, again, onGrantEnded }: AdapterParts): AdapterFactory {
  return (model): Adapter => ({
    async upsert(id, payload, expiresIn) {
      // A used client assertion is written once; the second writer replays it (RFC 7523 3, item 7).
      const onlyNew = model === 'ReplayDetection';
      const written = await store.put(model, id, payload, {
        onlyNew,
        ...(expiresIn === undefined ? {} : { expiresIn }),
      });
      if (!written) throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
    },
    async find(id) {
      if (model === 'Client') return registration(store, keys, id);
      const found = await store.find(model, { id });
      // Before oidc-provider sees that it is used and ends the family.
      if (model === 'RefreshToken' && found?.consumed !== undefined && isRefreshBy(found.clientId))
        if (await again.isRecent(id)) throw usedJustNow();
      return found;
    },
    findByUid: (uid) => store.find(model, { uid }),
    findByUserCode: (userCode) => store.find(model, { userCode }),
    async consume(id) {
      if (await store.consume(model, id)) return;
      // The same client a moment ago, or at this very moment: it gets the same answer.
      if (model === 'RefreshToken' && (await again.isRecent(id))) throw usedJustNow();
      // Used before, or at this very moment by somebody else: the whole family ends (RFC 9700 4.14.2).
      const used = await store.find(model, { id });
      if (typeof used?.grantId === 'string') await store.revokeGrant(used.grantId);
      onGrantEnded();
      throw new errors.InvalidGrant('already used');
    },
    destroy: (id) => store.remove(model, id),
    async revokeByGrantId(grantId) {
      await store.revokeGrant(grantId);
      onGrantEnded();
    },
  });
}

/** Whether this request is a refresh by the client, which has been authenticated before its token is looked up. */
function isRefreshBy(clientId: unknown): boolean {
  const { oidc } = Provider.ctx ?? {};
  return oidc?.params?.grant_type === 'refresh_token' && oidc.client?.clientId === clientId;
}

const usedJustNow = () => new errors.InvalidGrant('used a moment ago');

/** Names of our own client metadata, declared to oidc-provider as `extraClientMetadata`. */
export const ownMetadata = [
  'csss_first_party',
  'csss_allowed_scope',
  'csss_may_introspect',
  'csss_previous_secret',
  'csss_jwks_uri',
] as const;

async function registration(store: AuthorizationStore, keys: KeySets, id: string): Promise<AdapterPayload | undefined> {
  const client = await store.client(id);
  if (!client || client.disabled) return undefined;
  // The launch address is ours alone to use; oidc-provider would refuse one on the developer's own computer.
  const { initiate_login_uri: _launch, jwks_uri: jwksUri, ...metadata } = client.metadata;
  return {
    ...metadata,
    ...(typeof jwksUri === 'string' && { jwks: await keysFor(keys, jwksUri), csss_jwks_uri: jwksUri }),
    client_id: client.id,
    ...ownOf(client),
  };
}

function ownOf({ firstParty, allowedScope, mayIntrospect, previousSecret }: RegisteredClient): AdapterPayload {
  return {
    csss_first_party: firstParty,
    csss_allowed_scope: allowedScope,
    csss_may_introspect: mayIntrospect,
    csss_previous_secret: previousSecret,
  } as AdapterPayload;
}

/**
 * oidc-provider never fetches keys: it would follow redirects, take any size and keep them for as long as their publisher
 * says. It is given those that we hold, and only when a signature is to be checked.
 */
async function keysFor(keys: KeySets, url: string): Promise<{ keys: Record<string, unknown>[] }> {
  const assertion = Provider.ctx?.oidc?.params?.client_assertion;
  if (typeof assertion !== 'string') return { keys: [] };
  try {
    return await keys.keysAt(url, kidOf(assertion));
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    throw new errors.InvalidClientAuth(`its keys cannot be fetched: ${cause.message}`);
  }
}

function kidOf(assertion: string): string | undefined {
  try {
    return decodeProtectedHeader(assertion).kid;
  } catch {
    return undefined;
  }
}
