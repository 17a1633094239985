import { errors, type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';

/**
 * oidc-provider's storage on our store. Its own checks read first and write later; here the write decides, so
 * that of two requests at the same moment only one gets through.
 */
export function oidcAdapter(store: AuthorizationStore, onGrantEnded: () => void): AdapterFactory {
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
      if (model === 'Client') return registration(store, id);
      return store.find(model, { id });
    },
    findByUid: (uid) => store.find(model, { uid }),
    findByUserCode: (userCode) => store.find(model, { userCode }),
    async consume(id) {
      if (await store.consume(model, id)) return;
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

/** Names of our own client metadata, declared to oidc-provider as `extraClientMetadata`. */
export const ownMetadata = ['csss_first_party', 'csss_allowed_scope', 'csss_may_introspect'] as const;

async function registration(store: AuthorizationStore, id: string): Promise<AdapterPayload | undefined> {
  const client = await store.client(id);
  if (!client || client.disabled) return undefined;
  return {
    ...client.metadata,
    client_id: client.id,
    csss_first_party: client.firstParty,
    csss_allowed_scope: client.allowedScope,
    csss_may_introspect: client.mayIntrospect,
  };
}
