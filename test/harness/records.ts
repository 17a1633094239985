/** A world of FHIR records on a real database, for tests below the HTTP faces. */
import type { Resource } from '@medplum/fhirtypes';
import type { World } from '../../server/core/world.ts';
import { systemPrincipal, type Principal, type Role, type Scope } from '../../server/core/principal.ts';
import { parseSearch } from '../../server/core/search/parse-search.ts';
import { search } from '../../server/core/records/read.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { testSettings, testWorld } from './world.ts';

export const baseUrl = 'https://csss.test/fhir';
export const server = systemPrincipal('test');

export interface RecordsWorld {
  world: World;
  database: TestDatabase;
  /** Creates or updates as the server itself and gives the stored resource. */
  put<T extends Resource>(resource: T): Promise<T & { id: string }>;
  /** Ids that a query string finds, as `principal` (the server itself when left out). */
  find(query: string, principal?: Principal): Promise<string[]>;
}

/** @param timeZone the site's; dates without a zone are meant in it. */
export async function recordsWorld(timeZone = 'UTC'): Promise<RecordsWorld> {
  const database = await freshDatabase();
  const world = testWorld(database, testSettings('https://csss.test', { timeZone }));

  return {
    world,
    database,
    async put(resource) {
      const request = resource.id === undefined
        ? ({ method: 'create', resource } as const)
        : ({ method: 'update', resource, id: resource.id } as const); // prettier-ignore
      const { record } = await writeInTransaction(world, server, request);
      return record.resource as typeof resource & { id: string };
    },
    async find(query, principal = server) {
      const [type = '', parameters = ''] = query.split('?');
      const parsed = parseSearch(type as 'Patient', [...new URLSearchParams(parameters)], { strict: true });
      const page = await search(world, principal, parsed.query);
      return [...page.matches, ...page.included].map(({ id }) => id);
    },
  };
}

/** A person or service with scopes written as SMART does: `patient/*.rs user/Task.u?status=ready`. */
export function caller(
  scopes: string,
  who: { role?: Role; patient?: string; fhirUser?: string; kind?: 'user' | 'client' } = {},
): Principal {
  const { kind = 'user', ...rest } = who;
  return { kind, subject: 'test', clientId: 'test-app', scopes: scopes.split(' ').map(scope), ...rest };
}

function scope(text: string): Scope {
  const [, context, type, permissions, query] = /^(patient|user|system)\/([A-Za-z*]+)\.([cruds]+)(?:\?(.+))?$/.exec(
    text,
  )!;
  return { context: context as Scope['context'], type: type!, permissions: permissions!, ...(query && { query }) };
}
