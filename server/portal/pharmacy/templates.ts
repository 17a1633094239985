import { z } from 'zod';
import { keepEntry, removeEntry } from '../../core/medications/change-entries.ts';
import { doseLanguageOf } from '../../core/medications/dose-language.ts';
import { doseLanguages } from '../../core/medications/dose-text.ts';
import { templateShape } from '../../core/medications/entries.ts';
import { Problem } from '../../core/problem.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { entryOf, entryParams, entryVersion, shownEntry } from './entry-shapes.ts';

const content = templateShape.omit({ kind: true });
const shown = shownEntry(templateShape);

const ofPharmacists = { tag: 'Prescriptions', roles: ['pharmacist', 'doctor', 'admin'] } as const;
const ofAdmins = { tag: 'Prescriptions', roles: ['admin'] } as const;

/** Prescriptions to begin from: read by those who prescribe, written by administrators. */
export function templateRoutes({ world }: { world: World }): ApiRoute[] {
  const one = (asked: Parameters<ApiRoute['handle']>[0], id: string | undefined, body: z.infer<typeof withVersion>) => {
    const { principal, requestId, sourceAddress, about } = asked;
    const { version, ...template } = body;
    return inOneTransaction(world, { principal, requestId, sourceAddress }, async (context) => {
      const standing = id === undefined ? undefined : { id, version: version ?? 0 };
      const kept = await keepEntry(context, { kind: 'template', ...template }, standing);
      about({ entities: [`template/${kept.id}`] });
      return entryOf(kept);
    });
  };
  return [
    apiRoute({
      ...ofPharmacists,
      method: 'get',
      path: '/portal/prescription-templates',
      summary: 'Templates of prescriptions',
      description: 'Their words are in three languages; `language` is the one that goes into the record.',
      answer: { schema: z.object({ language: z.enum(doseLanguages), templates: z.array(shown) }) },
      handle: () =>
        world.read(async ({ medicationEntries, site }) => ({
          language: doseLanguageOf((await site.read()).languages),
          templates: (await medicationEntries.all(['template'])).map(entryOf),
        })),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/prescription-templates',
      summary: 'Adds a template',
      event: 'settings:template-add',
      body: content,
      answer: { status: 201, schema: shown },
      handle: (asked) => one(asked as never, undefined, asked.body),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'put',
      path: '/portal/prescription-templates/:id',
      summary: 'Changes a template',
      event: 'settings:template-change',
      params: entryParams,
      body: withVersion,
      answer: { schema: shown },
      handle: (asked) => one(asked as never, asked.params['id'], asked.body),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'delete',
      path: '/portal/prescription-templates/:id',
      summary: 'Removes a template; its history stays',
      event: 'settings:template-remove',
      params: entryParams,
      query: entryVersion,
      answer: {},
      async handle({ params: { id = '' }, query: { version }, about, principal, requestId, sourceAddress }) {
        about({ entities: [`template/${id}`] });
        await inOneTransaction(world, { principal, requestId, sourceAddress }, (context) =>
          removeEntry(context, { id, version, of: 'template' }),
        );
      },
    }),
    historyRoute(world),
  ];
}

const withVersion = content.extend({
  version: z.number().int().min(1).optional().describe('of what was on the page; needed for a change'),
});

function historyRoute(world: World): ApiRoute {
  return apiRoute({
    ...ofAdmins,
    method: 'get',
    path: '/portal/medication-entries/:id/history',
    summary: 'Every version of a template or of a row of the medication table, newest first',
    params: entryParams,
    answer: {
      schema: z.object({
        versions: z.array(
          z.object({
            version: z.number().int(),
            at: z.iso.datetime(),
            by: z.string().optional().describe('absent: it came with the release'),
            content: z.looseObject({ kind: z.string() }).optional().describe('absent: it was removed'),
          }),
        ),
      }),
    },
    async handle({ params: { id = '' } }) {
      const versions = await world.read(({ medicationEntries }) => medicationEntries.versions(id));
      if (versions.length === 0) throw new Problem('not-found', 'There is no such template and no such row.');
      return { versions };
    },
  });
}
