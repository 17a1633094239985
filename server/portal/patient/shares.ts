import { z } from 'zod';
import { makeShare, sharesOf, takeShareBack } from '../../core/patient/share.ts';
import type { Share } from '../../core/patient/share-store.ts';
import { isRestrictedNow } from '../../core/patient/open-share.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { patientIn } from './scans.ts';

const states = ['open', 'resting', 'over', 'taken-back', 'wrong-codes', 'account', 'consent'] as const;
const share = z.object({
  id: z.string(),
  review: z.string(),
  recipient: z.string().optional(),
  state: z.enum(states).describe('`resting`: the record was restricted after the link was made'),
  createdAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  wrongCodes: z.number().int(),
  openings: z.array(z.iso.datetime()).describe('the last twenty, newest first'),
});

const ofPatients = { tag: 'My scans', roles: ['patient'] } as const;

/** Links by which a patient shows a report and its images to others. */
export function shareRoutes({ world }: { world: World }): ApiRoute[] {
  return [
    apiRoute({
      ...ofPatients,
      method: 'get',
      path: '/portal/me/shares',
      summary: 'Links that I gave out, and when each was opened',
      answer: { schema: z.object({ shares: z.array(share) }) },
      async handle({ principal }) {
        const rest = await isRestrictedNow(world, patientIn(principal));
        return { shares: (await sharesOf(world, principal.subject)).map((one) => shown(one, rest)) };
      },
    }),
    apiRoute({
      ...ofPatients,
      method: 'post',
      path: '/portal/me/shares',
      summary: 'Make a link to one released report and its images',
      description:
        'Whoever opens it needs the code, which is told here and nowhere else. Five wrong codes end it. It shows the report as it is when it is opened.',
      event: 'portal:share-create',
      fresh: true,
      body: z.strictObject({
        review: z.string().regex(/^[A-Za-z0-9\-.]{1,64}$/, 'is an id'),
        days: z.number().int().min(1).max(90),
        recipient: z.string().max(200).optional().describe('for whom it is, in my own words'),
      }),
      answer: {
        status: 201,
        schema: z.object({ id: z.string(), url: z.string(), code: z.string(), endsAt: z.iso.datetime() }),
      },
      async handle({ principal, requestId, sourceAddress, body, about }) {
        about({ patients: [patientIn(principal)], entities: [`Task/${body.review}`] });
        const asked = { principal, requestId, sourceAddress };
        const { id, word, code, endsAt } = await inOneTransaction(world, asked, (context) => makeShare(context, body));
        return { id, url: `${world.settings.publicUrl}/shared/${word}`, code, endsAt: endsAt.toISOString() };
      },
    }),
    apiRoute({
      ...ofPatients,
      method: 'delete',
      path: '/portal/me/shares/:id',
      summary: 'Take a link back: it opens nothing from now on',
      event: 'portal:share-end',
      params: { id: z.string().max(64) },
      answer: {},
      async handle({ principal, requestId, sourceAddress, params: { id = '' }, about }) {
        about({ patients: [patientIn(principal)], entities: [`share/${id}`] });
        await inOneTransaction(world, { principal, requestId, sourceAddress }, (context) => takeShareBack(context, id));
      },
    }),
  ];
}

function shown(one: Share, isRestricted: boolean): z.infer<typeof share> {
  const { id, reviewId, recipient, createdAt, endsAt, wrongCodes, ended, openings } = one;
  const rests = isRestricted && !one.restricted;
  return {
    id,
    review: reviewId,
    ...(recipient !== undefined && { recipient }),
    state: ended ? ended.why : !one.isOpen ? 'over' : rests ? 'resting' : 'open',
    createdAt: createdAt.toISOString(),
    endsAt: endsAt.toISOString(),
    ...(ended && { endedAt: ended.at.toISOString() }),
    wrongCodes,
    openings: openings.map((at) => at.toISOString()),
  };
}
