import { z } from 'zod';
import { keepEntry, removeEntry, takeTable } from '../../core/medications/change-entries.ts';
import { tableKinds, tableShape } from '../../core/medications/entries.ts';
import { writeTable } from '../../core/medications/table-csv.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute, type Asked } from '../api/api-route.ts';
import { entryOf, entryParams, entryVersion } from './entry-shapes.ts';

const ofAdmins = { tag: 'Prescriptions', roles: ['admin'] } as const;
const row = z.looseObject({ kind: z.enum(tableKinds), id: z.string(), version: z.number().int() });
const withRow = z.strictObject({ row: tableShape, version: z.number().int().min(1).optional() });
const file = z.strictObject({
  csv: z.string().max(2_000_000),
  replace: z.boolean().default(false).describe('what the file does not have is removed'),
  check: z.boolean().default(false).describe('says what would change, and changes nothing'),
});
const counts = z.object({
  added: z.number().int(),
  changed: z.number().int(),
  removed: z.number().int(),
  unchanged: z.number().int(),
});

/** The table that prescriptions are checked by: the site's own, row by row or as a file. */
export function medicationTableRoutes({ world }: { world: World }): ApiRoute[] {
  const keep = (asked: Asked, id: string | undefined, { row: content, version }: z.infer<typeof withRow>) =>
    inOneTransaction(world, trace(asked), async (context) => {
      const kept = await keepEntry(context, content, id === undefined ? undefined : { id, version: version ?? 0 });
      asked.about({ entities: [`medication-table/${kept.id}`] });
      return entryOf(kept);
    });
  return [
    apiRoute({
      ...ofAdmins,
      method: 'get',
      path: '/portal/medication-table',
      summary: 'The table that prescriptions are checked by',
      answer: { schema: z.object({ rows: z.array(row) }) },
      handle: () =>
        world.read(async ({ medicationEntries }) => ({
          rows: (await medicationEntries.all(tableKinds)).map(entryOf),
        })),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/medication-table',
      summary: 'Adds a row',
      event: 'settings:medication-row-add',
      body: withRow,
      answer: { status: 201, schema: row },
      handle: (asked) => keep(asked as Asked, undefined, asked.body),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'put',
      path: '/portal/medication-table/:id',
      summary: 'Changes a row',
      event: 'settings:medication-row-change',
      params: entryParams,
      body: withRow,
      answer: { schema: row },
      handle: (asked) => keep(asked as Asked, asked.params['id'], asked.body),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'delete',
      path: '/portal/medication-table/:id',
      summary: 'Removes a row that no other row names; its history stays',
      event: 'settings:medication-row-remove',
      params: entryParams,
      query: entryVersion,
      answer: {},
      async handle(asked) {
        const { id = '' } = asked.params;
        asked.about({ entities: [`medication-table/${id}`] });
        await inOneTransaction(world, trace(asked as Asked), (context) =>
          removeEntry(context, { id, version: asked.query.version, of: 'table' }),
        );
      },
    }),
    ...fileRoutes(world),
    suggestions(world),
  ];
}

function fileRoutes(world: World): ApiRoute[] {
  const path = '/portal/medication-table/csv';
  return [
    apiRoute({
      ...ofAdmins,
      method: 'get',
      path,
      summary: 'The table as a file (CSV, UTF-8)',
      event: 'settings:medication-table-read',
      answer: { mediaType: 'text/csv' },
      async handle({ ctx }) {
        const rows = await world.read(({ medicationEntries }) => medicationEntries.all(tableKinds));
        ctx.type = 'text/csv; charset=utf-8; header=present';
        ctx.attachment('medication-table.csv');
        return writeTable(rows.map(({ content }) => content));
      },
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path,
      summary: 'Takes in a file, whole or not at all',
      description: 'A file with a fault is refused with the line of each. With `check` it is only looked at.',
      event: 'settings:medication-table-take',
      body: file,
      largestBody: 4 * 1024 * 1024,
      answer: { schema: counts },
      async handle(asked) {
        const { csv, ...how } = asked.body;
        asked.about({ entities: [how.check ? 'check' : how.replace ? 'replace' : 'add'] });
        return inOneTransaction(world, trace(asked as Asked), (context) => takeTable(context, csv, how));
      },
    }),
  ];
}

/** For the field of a prescription. All of them at once: what somebody types for a patient stands in no address. */
function suggestions(world: World): ApiRoute {
  return apiRoute({
    tag: 'Prescriptions',
    roles: ['pharmacist', 'doctor', 'admin'],
    method: 'get',
    path: '/portal/medications',
    summary: 'Names of the medication that the site’s table lists',
    answer: { schema: z.object({ medications: z.array(z.object({ name: z.string(), names: z.array(z.string()) })) }) },
    async handle() {
      const rows = await world.read(({ medicationEntries }) => medicationEntries.all(['medication']));
      return { medications: rows.map(({ content: { name, names } }) => ({ name, names })) };
    },
  });
}

function trace({ principal, requestId, sourceAddress }: Asked) {
  return { principal, requestId, sourceAddress };
}
