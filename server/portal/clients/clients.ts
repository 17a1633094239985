import { z } from 'zod';
import {
  changeClient,
  registerClient,
  removeClient,
  renewSecret,
  setClientDisabled,
} from '../../core/accounts/clients/change-client.ts';
import type { ClientDraft } from '../../core/accounts/clients/client-registration.ts';
import type { RegisteredClient } from '../../core/accounts/clients/client-store.ts';
import type { KeySets } from '../../core/accounts/clients/key-sets.ts';
import type { Role } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import {
  changedClient,
  checkKeys,
  clientShape,
  keysShape,
  newClient,
  registeredShape,
  renewal,
  shown,
  shownOnce,
} from './client-shapes.ts';
import { registrar } from '../api/registrar.ts';
import { registrationTokenRoutes } from './registration-tokens.ts';

export interface ClientRoutesParts {
  world: Pick<World, 'read' | 'transaction'>;
  clientKeys: KeySets;
  /** Throws away cached token checks of this process; others' end within seconds. */
  forget(): void;
}

const admins: readonly Role[] = ['admin'];
const tag = 'Apps and systems';

/** Registered apps and systems, and the words with which they register themselves. */
export function clientRoutes(parts: ClientRoutesParts): ApiRoute[] {
  return [...registrationTokenRoutes(parts.world), ...registrationRoutes(parts), ...actRoutes(parts)];
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
        const registeredBy = await registrar(world, principal);
        const registered = await world.transaction((stores) =>
          registerClient(stores, clientKeys, wanted as ClientDraft, { id, ...registeredBy }),
        );
        about({ entities: [`Client/${registered.client.id}`] });
        return shownOnce(registered);
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
        return shownOnce(await world.transaction((stores) => renewSecret(stores, params.id!, { atOnce })));
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

async function found(world: ClientRoutesParts['world'], id: string): Promise<RegisteredClient> {
  const client = await world.read(({ clients }) => clients.byId(id));
  if (!client) throw new Problem('not-found', 'There is no such client; it may have been deleted.');
  return client;
}
