import { z } from 'zod';
import type { World } from '../core/world.ts';
import { countWork } from '../core/workflow/work/find-work.ts';
import { apiRoute, type ApiRoute } from './api/api-route.ts';
import type { SystemState } from './system.ts';

const count = z.number().int();
const waiting = z.object({
  approvals: count.describe('reports that wait for their release'),
  registrations: count.describe('people who have registered and are tied to no record'),
  deliveries: count.describe('mails that wait'),
  system: count.describe('parts of the installation that somebody has to look at'),
});

/**
 * What waits behind the places of the administrators' navigation: one question for all of them, because every page of
 * theirs asks it again with each change. Numbers only, of nobody: it leaves no row in the audit trail.
 */
export function waitingRoutes({ world, system }: { world: World; system: () => Promise<SystemState> }): ApiRoute[] {
  return [
    apiRoute({
      method: 'get',
      path: '/portal/waiting',
      tag: 'Set-up',
      roles: ['admin'],
      summary: 'How much waits behind the places of the navigation',
      answer: { schema: waiting },
      async handle({ principal }) {
        const [approvals, { registrations, deliveries }, { parts }] = await Promise.all([
          countWork(world, principal, ['to-approve'], {}),
          world.read(async (stores) => {
            const [people, mails] = await Promise.all([
              stores.people.find({ untied: true, offset: 0, limit: 1 }),
              stores.deliveries.search({ state: 'waiting', offset: 0, limit: 1 }),
            ]);
            return { registrations: people.total, deliveries: mails.total };
          }),
          system(),
        ]);
        return {
          approvals: approvals.get('to-approve') ?? 0,
          registrations,
          deliveries,
          system: parts.filter(({ state }) => state === 'attention' || state === 'failed').length,
        };
      },
    }),
  ];
}
