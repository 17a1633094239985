/** What I have typed and not yet sent. */
import { z } from 'zod';
import { draftOf, dropDraft, keepDraft } from '../../core/accounts/drafts/keep-draft.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';

/** Names a form and what it is about by ids (`verify:0190...`): nothing that is about a person. */
const key = z.string().regex(/^[\w.:-]{1,120}$/, 'has up to 120 letters, digits and . : _ -');

/**
 * No audit row: nobody but the person sees it, it is no record, and it is kept every few seconds. What is sent in the
 * end leaves its own.
 */
export function draftRoutes(world: World): ApiRoute[] {
  const common = { tag: 'My account', roles: everyRole, path: '/portal/me/drafts/:key', params: { key } } as const;
  return [
    apiRoute({
      ...common,
      method: 'get',
      summary: 'What I have typed into a form and not yet sent',
      answer: { schema: z.object({ value: z.unknown(), savedAt: z.string() }), mayLack: true },
      async handle({ principal, params }) {
        const draft = await draftOf(world, principal.subject, params['key']!);
        // Most forms have none: that is no fault, and no browser's console tells of one.
        if (!draft) return undefined;
        return { value: draft.value, savedAt: draft.savedAt.toISOString() };
      },
    }),
    apiRoute({
      ...common,
      method: 'put',
      summary: 'Keep what I have typed, for a week or until it is sent; 64 KiB at most',
      largestBody: 64 * 1024,
      body: z.strictObject({ value: z.unknown() }),
      answer: {},
      handle: ({ principal, params, body }) => keepDraft(world, principal.subject, params['key']!, body.value ?? null),
    }),
    apiRoute({
      ...common,
      method: 'delete',
      summary: 'Forget what I have typed',
      answer: {},
      handle: ({ principal, params }) => dropDraft(world, principal.subject, params['key']!),
    }),
  ];
}
