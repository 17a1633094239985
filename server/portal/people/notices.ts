/** What I was told, and the browsers that tell me when no page is open. */
import { z } from 'zod';
import { noticesOf, readerOf, unseenOf } from '../../core/notices/my-notices.ts';
import { addPushTarget, digestOf } from '../../core/notices/push-targets.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';

const common = { tag: 'My account', roles: everyRole } as const;
const id = z.string().regex(/^\d{1,18}$/, 'is no number of a notice');

const notice = z.object({
  id: z.string(),
  kind: z.string(),
  at: z.string(),
  seen: z.boolean(),
  review: z.string().optional().describe('id of the coordination Task'),
  study: z.string().optional().describe('id of the ImagingStudy'),
  scan: z.string().optional().describe('accession number; for staff'),
});

const endpoint = z.string().max(2000);
const target = z.strictObject({
  endpoint,
  keys: z.strictObject({ p256dh: z.string().max(200), auth: z.string().max(100) }),
  expirationTime: z.number().nullish(),
});

export function noticeRoutes(world: World): ApiRoute[] {
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me/notices',
      summary: 'What I was told, newest first',
      event: 'portal:my-notices',
      query: z.strictObject({ before: id.optional(), limit: z.coerce.number().int().min(1).max(100).default(30) }),
      answer: { schema: z.object({ notices: z.array(notice), unseen: z.number() }) },
      async handle({ principal, query, about }) {
        const { before, limit } = query;
        const found = await noticesOf(world, principal, { limit, ...(before !== undefined && { before }) });
        about({ patients: [...new Set(found.flatMap(({ patient }) => patient ?? []))] });
        const notices = found.map(({ patient: _patient, at, ...shown }) => ({ ...shown, at: at.toISOString() }));
        return { notices, unseen: await unseenOf(world, principal) };
      },
    }),
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me/notices/unseen',
      summary: 'How many notices I have not seen; 99 at most',
      answer: { schema: z.object({ unseen: z.number() }) },
      handle: async ({ principal }) => ({ unseen: await unseenOf(world, principal) }),
    }),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/me/notices/seen',
      summary: 'I have seen all up to this one',
      body: z.strictObject({ upTo: id }),
      answer: {},
      handle: ({ principal, body }) =>
        world.transaction(async ({ notices, news }) => {
          await notices.markSeen(readerOf(principal), body.upTo);
          await news.post('notices', { account: principal.subject }); // the other pages of the same person
        }),
    }),
  ];
}

export function pushRoutes(world: World): ApiRoute[] {
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me/push',
      summary: 'With which key a browser subscribes, and which of mine do (digests of their addresses)',
      answer: { schema: z.object({ key: z.string().optional(), subscribed: z.array(z.string()) }) },
      async handle({ principal }) {
        const subscribed = await world.read(({ pushes }) => pushes.digestsOf(principal.subject));
        return { ...(world.push.publicKey !== undefined && { key: world.push.publicKey }), subscribed };
      },
    }),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/me/push',
      summary: 'Tell me in this browser that there is news, until I sign out in it',
      description:
        'The message says that there is news and nothing of what. The address must be https at a public host.',
      event: 'portal:me-push',
      body: target,
      answer: {},
      handle: ({ principal, body: { endpoint: address, keys } }) =>
        addPushTarget(world, principal, { endpoint: address, keys }),
    }),
    apiRoute({
      ...common,
      method: 'delete',
      path: '/portal/me/push',
      summary: 'Do not tell me in this browser any more',
      event: 'portal:me-push-end',
      body: z.strictObject({ endpoint }),
      answer: {},
      handle: ({ principal, body }) =>
        world.transaction(({ pushes }) =>
          pushes.remove({ accountId: principal.subject, digest: digestOf(body.endpoint) }),
        ),
    }),
  ];
}
