/** How people want our own pages to be: language, look, saved views. Kept with the account, so that it is the same on every device. */
import { z } from 'zod';
import { themes } from '../../core/accounts/people/themes.ts';
import { languages, ourLanguage } from '../../core/language.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';
import { inTransaction } from './users.ts';

const language = z.enum(languages);
const theme = z.enum(themes);
const views = z
  .array(
    z.strictObject({
      page: z.string().min(1).max(60),
      name: z.string().trim().min(1).max(80),
      query: z.string().max(2000),
    }),
  )
  .max(60);

const preferences = z.object({
  language: language.optional(),
  theme: theme.optional(),
  views: views.optional(),
});

const change = z.strictObject({
  language: language.optional(),
  theme: theme.nullish(),
  views: views.nullish(),
});

/** The language is that of the account (`/portal/me`), as far as our pages speak it: two places for it would differ one day. */
export function preferenceRoutes({ world }: { world: World }): ApiRoute[] {
  const common = { tag: 'My account', roles: everyRole, path: '/portal/me/preferences' } as const;
  return [
    apiRoute({
      ...common,
      method: 'get',
      summary: 'How I want the pages to be',
      answer: { schema: preferences },
      handle: ({ principal }) => preferencesOf(world, principal.subject),
    }),
    apiRoute({
      ...common,
      method: 'patch',
      summary: 'Change how I want the pages to be: what is named is replaced, null takes it back',
      event: 'portal:me-preferences',
      body: change,
      answer: { schema: preferences },
      async handle(asked) {
        const { language: spoken, ...rest } = asked.body;
        const { subject } = asked.principal;
        await inTransaction(world, asked, async ({ stores }) => {
          const person = await stores.people.lock(subject);
          if (!person || person.disabled) throw new Problem('not-found', 'Your account is not there any more.');
          if (spoken !== undefined && spoken !== ourLanguage(person.language))
            await stores.people.change(subject, { language: spoken });
          const named = Object.entries(rest).filter(([, value]) => value !== undefined);
          if (named.length > 0) await stores.preferences.change(subject, Object.fromEntries(named));
        });
        return preferencesOf(world, subject);
      },
    }),
  ];
}

function preferencesOf(world: World, accountId: string): Promise<z.infer<typeof preferences>> {
  return world.read(async (stores) => {
    const person = await stores.people.byId(accountId);
    if (!person) throw new Problem('not-found', 'Your account is not there any more.');
    const spoken = ourLanguage(person.language);
    return { ...(await stores.preferences.of(accountId)), ...(spoken && { language: spoken }) };
  });
}
