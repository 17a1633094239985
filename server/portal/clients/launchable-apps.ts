import { z } from 'zod';
import type { RegisteredClient } from '../../core/accounts/clients/client-store.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';

/** The registered apps that can be opened from a patient's or a study's page (`POST /smart/launch`). */
export function launchableApps(world: Pick<World, 'read'>): ApiRoute[] {
  const app = z.object({ id: z.string(), name: z.string(), logoUri: z.string().optional() });
  return [
    apiRoute({
      method: 'get',
      path: '/portal/apps',
      summary: 'Apps that can be opened with a patient, an encounter or a study',
      tag: 'Apps and systems',
      roles: everyRole,
      answer: { schema: z.object({ apps: z.array(app) }) },
      async handle() {
        const clients = await world.read(({ clients }) => clients.all());
        return { apps: clients.filter(canBeLaunched).map(shown) };
      },
    }),
  ];
}

function canBeLaunched({ disabled, metadata }: RegisteredClient): boolean {
  return !disabled && typeof metadata.initiate_login_uri === 'string';
}

function shown({ id, metadata: { client_name: name, logo_uri: logoUri } }: RegisteredClient): object {
  return { id, name: typeof name === 'string' ? name : id, logoUri };
}
