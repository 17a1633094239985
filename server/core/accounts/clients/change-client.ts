/** The acts on registered systems; each in the caller's unit of work, so that it is there whole or not at all. */
import { newId } from '../../identifier.ts';
import { Problem } from '../../problem.ts';
import type { Stores } from '../../world.ts';
import { completed, registrationOf, type ClientDraft } from './client-registration.ts';
import { hashSecret, newSecret } from './client-secret.ts';
import type { NewClient, RegisteredClient } from './client-store.ts';
import type { KeySets } from './key-sets.ts';
import { coveredBy, splitScopes } from '../scopes.ts';

type Clients = Pick<Stores, 'clients'>;
type Keys = Pick<KeySets, 'check'>;

const day = 24 * 60 * 60;

export interface Registered {
  client: RegisteredClient;
  /** Shown once; only its hash is stored. */
  secret?: string;
}

/**
 * Registers a system.
 *
 * @param who.id chosen by the administrator (an id that settings name, such as TRUSTED_SENDERS); else a new one.
 * @throws Problem as `registrationOf`; `duplicate` if the id is taken.
 */
export async function registerClient(
  { clients }: Clients,
  keys: Keys,
  draft: ClientDraft,
  who: { id?: string | undefined } & Pick<NewClient, 'registeredBy' | 'managementHash' | 'scopeCeiling'>,
): Promise<Registered> {
  const { id, ...rest } = who;
  const registration = registrationOf(draft, keys);
  const secret = draft.method === 'client_secret_basic' ? newSecret() : undefined;
  const client: NewClient = {
    ...registration,
    ...rest,
    id: id ?? newId(),
    metadata: { ...registration.metadata, ...(secret !== undefined && { client_secret: hashSecret(secret) }) },
    firstParty: false,
    disabled: false,
  };
  await clients.insert(client);
  return { client: (await clients.byId(client.id))!, ...(secret !== undefined && { secret }) };
}

/**
 * Changes what a system is registered for. What it may no longer do ends with its access tokens, at once; refresh tokens
 * give narrower ones.
 *
 * @param version that the caller has seen; without it, that of this moment.
 * @throws Problem as `registrationOf`; `not-found`, `conflict` if somebody else changed it meanwhile, `business-rule` for
 * our own application and for a change of kind.
 */
export async function changeClient(
  stores: Clients,
  keys: Keys,
  id: string,
  draft: ClientDraft,
  version?: number,
): Promise<RegisteredClient> {
  const standing = await changeable(stores, id);
  if (draft.kind !== standing.kind)
    throw new Problem('business-rule', `kind: this is registered as ${standing.kind}. Register a new client for another kind and delete this one.`, { expression: 'kind' }); // prettier-ignore
  const { token_endpoint_auth_method: before, client_secret: secret } = standing.metadata;
  if (draft.method !== before && draft.method === 'client_secret_basic')
    throw new Problem('business-rule', 'method: a client that signs is not put back to a secret. Register a new one and delete this one.', { expression: 'method' }); // prettier-ignore
  const { metadata, allowedScope, ...rest } = registrationOf(completed(draft, standing), keys);
  const keepsSecret = draft.method === 'client_secret_basic';
  const changed = await stores.clients.update(
    {
      ...rest,
      id,
      version: version ?? standing.version,
      metadata: { ...metadata, ...(keepsSecret && { client_secret: secret }) },
      ...(allowedScope !== undefined && { allowedScope }),
    },
    { endTokens: isNarrower(allowedScope, standing.allowedScope), ...(keepsSecret && { keepSecretSeconds: day }) },
  );
  if (!changed) throw changedMeanwhile();
  return (await stores.clients.byId(id))!;
}

/** Whether something was allowed before that is not any more. */
function isNarrower(after: string | undefined, before: string | undefined): boolean {
  if (after === undefined || after === before) return false;
  if (before === undefined) return true;
  const most = splitScopes(after);
  return splitScopes(before).some((word) => !coveredBy(most, word));
}

/**
 * Gives a new secret. The one before is good for a day more, so that the app can be set to the new one without a gap.
 *
 * @param options.atOnce ends the one before now: it became known to others.
 * @throws Problem `not-found`, `business-rule` for a client without a secret, `conflict`.
 */
export async function renewSecret(stores: Clients, id: string, options: { atOnce: boolean }): Promise<Registered> {
  const { kind, version, metadata, allowedScope, mayIntrospect } = await changeable(stores, id);
  if (metadata.token_endpoint_auth_method !== 'client_secret_basic')
    throw new Problem('business-rule', 'This client has no secret: it is public, or it signs with keys of its own.');
  const secret = newSecret();
  const changed = await stores.clients.update(
    {
      id,
      version,
      kind,
      mayIntrospect,
      metadata: { ...metadata, client_secret: hashSecret(secret) },
      ...(allowedScope !== undefined && { allowedScope }),
    },
    options.atOnce ? {} : { keepSecretSeconds: day },
  );
  if (!changed) throw changedMeanwhile();
  return { client: (await stores.clients.byId(id))!, secret };
}

/**
 * Takes a system out of service, or lets it work again. What people gave to it ends: they are asked anew.
 *
 * @throws Problem `not-found`, `business-rule` for our own application.
 */
export async function setClientDisabled(stores: Clients, id: string, disabled: boolean): Promise<RegisteredClient> {
  await changeable(stores, id);
  await stores.clients.setDisabled(id, disabled);
  if (disabled) await stores.clients.endGrants(id);
  return (await stores.clients.byId(id))!;
}

/** Removes a system and all that people gave to it. @throws Problem `not-found`, `business-rule` for our own application. */
export async function removeClient(stores: Clients, id: string): Promise<void> {
  await changeable(stores, id);
  await stores.clients.endGrants(id);
  await stores.clients.remove(id);
}

/** A client that people may change. */
async function changeable({ clients }: Clients, id: string): Promise<RegisteredClient> {
  const client = await clients.byId(id);
  if (!client) throw new Problem('not-found', 'There is no such client; it may have been deleted.');
  if (client.firstParty)
    throw new Problem('business-rule', 'This is our own application. The server registers it by itself; it is not changed here.'); // prettier-ignore
  return client;
}

function changedMeanwhile(): Problem {
  return new Problem('conflict', 'Somebody else changed this client meanwhile. Look at it again, then repeat your change.'); // prettier-ignore
}
