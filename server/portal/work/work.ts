import { z } from 'zod';
import type { Principal } from '../../core/principal.ts';
import { instantAt } from '../../core/time-zone.ts';
import type { World } from '../../core/world.ts';
import { claimWork } from '../../core/workflow/work/claim-work.ts';
import { countWork, findWork, readWork, type ShownRow } from '../../core/workflow/work/find-work.ts';
import { usualOrder, type WorkOrder, type WorkSort } from '../../core/workflow/work/queues.ts';
import type { WorkFilter, WorkPosition } from '../../core/workflow/work/work-row-store.ts';
import { wordsAsked } from '../../core/workflow/work/words.ts';
import type { PageTokens } from '../../http/answer/page-token.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { claimed, wantedCounts, wantedWork, workRow } from './work-shapes.ts';

const ofStaff = { tag: 'Work', roles: ['doctor', 'pharmacist', 'admin'] } as const;
const fhirId = z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is a FHIR id');

/** The lists of work of the dashboards: found, counted and claimed by the server. */
export function workRoutes({ world, pages }: { world: World; pages: PageTokens }): ApiRoute[] {
  return [
    apiRoute({
      ...ofStaff,
      method: 'get',
      path: '/portal/work',
      summary: 'Reviews as a list of work: searched, filtered, sorted, page by page',
      event: 'work:search',
      query: wantedWork,
      answer: { schema: z.object({ rows: z.array(workRow), total: z.number().int(), next: z.string().optional().describe('value of `after` for the next page') }) },
      async handle({ principal, query, about }) {
        const found = await list(world, pages, principal, query);
        about(factsOf(found.rows));
        return found;
      },
    }),
    apiRoute({
      ...ofStaff,
      method: 'get',
      path: '/portal/work/counts',
      summary: 'How many reviews there are in lists of work',
      description: "Of one moment; today is the site's day. Filters narrow all of them.",
      event: 'work:count',
      query: wantedCounts,
      answer: { schema: z.record(z.string(), z.number().int()) },
      async handle({ principal, query }) {
        return Object.fromEntries(await countWork(world, principal, query.of, filterOf(world, principal, query)));
      },
    }),
    apiRoute({
      ...ofStaff,
      method: 'get',
      path: '/portal/work/:review',
      summary: 'One review as a row of a list of work',
      event: 'work:read',
      params: { review: fhirId },
      answer: { schema: workRow },
      async handle({ principal, params: { review = '' }, about }) {
        about({ entities: [`Task/${review}`] });
        const row = await readWork(world, principal, review);
        about(factsOf([row]));
        return row;
      },
    }),
    apiRoute({
      ...ofStaff,
      method: 'post',
      path: '/portal/work/claim',
      summary: 'Claim the steps of several reviews that wait for your role',
      description: 'Each by itself: what somebody else has claimed is refused and the others go on.',
      event: 'work:claim',
      body: z.strictObject({ reviews: z.array(fhirId).min(1).max(100) }),
      answer: { schema: claimed },
      async handle({ principal, body, requestId, sourceAddress, about }) {
        const claims = await claimWork(world, principal, body.reviews, { requestId, sourceAddress });
        about({ entities: claims.claimed.map((review) => `Task/${review}`) });
        return claims;
      },
    }),
  ];
} // prettier-ignore

type Wanted = z.infer<typeof wantedWork>;

async function list(world: World, pages: PageTokens, principal: Principal, wanted: Wanted) {
  const order = orderOf(wanted);
  const filter = { queue: wanted.queue, ...filterOf(world, principal, wanted) };
  // A place is of one list: another queue, filter or order begins anew.
  const name = `work ${JSON.stringify([filter, order])}`;
  const after = wanted.after === undefined ? undefined : (pages.open(name, wanted.after, principal) as WorkPosition);
  const { rows, total, next } = await findWork(world, principal, filter, {
    order,
    limit: wanted.limit,
    ...(after && { after }),
  });
  return { rows, total, ...(next && { next: pages.seal(name, next, principal) }) };
}

function orderOf({ queue, sort }: Wanted): WorkOrder {
  if (sort === undefined) return usualOrder[queue];
  const descending = sort.startsWith('-');
  return { by: (descending ? sort.slice(1) : sort) as WorkSort, descending };
}

const aDay = 86_400_000;

function filterOf(
  { settings: { timeZone } }: World,
  { fhirUser }: Principal,
  wanted: Omit<z.infer<typeof wantedCounts>, 'of'>,
): Omit<WorkFilter, 'queue'> {
  const { text = '', status, modality, finding, priority, from, to, mine } = wanted;
  return {
    ...(text.trim() !== '' && { words: wordsAsked(text) }),
    ...(status && { statuses: status }),
    ...(modality && { modalities: modality }),
    ...(finding && { findings: finding }),
    ...(priority && { priorities: priority }),
    ...(from !== undefined && { from: new Date(instantAt(timeZone, Date.parse(from))) }),
    ...(to !== undefined && { to: new Date(instantAt(timeZone, Date.parse(to) + aDay)) }),
    ...(mine === 'true' && { person: fhirUser ?? '' }),
  };
}

function factsOf(rows: readonly ShownRow[]) {
  return {
    patients: [...new Set(rows.map(({ patient }) => patient.id))],
    entities: rows.map(({ review }) => `Task/${review}`),
  };
}
