import { z } from 'zod';
import { partNames, partStates } from '../core/site/system-parts.ts';
import { apiRoute, type ApiRoute } from './api/api-route.ts';

const state = z.object({
  at: z.iso.datetime(),
  version: z.string(),
  parts: z.array(
    z.object({
      name: z.enum(partNames),
      state: z.enum(partStates).describe('`attention`: everything works, and somebody has to do something'),
      reason: z.string().optional().describe('code of what is the matter'),
      facts: z.record(z.string(), z.union([z.number(), z.string()])),
    }),
  ),
  processes: z.array(
    z.object({
      id: z.string(),
      role: z.enum(['all', 'api', 'worker', 'dimse']),
      version: z.string(),
      startedAt: z.iso.datetime(),
      seenAt: z.iso.datetime(),
      silent: z.boolean().describe('no sign of life for a minute'),
      own: z.boolean().describe('the one that answers'),
      down: z.array(z.string()).describe('components of /readyz that do not work in it'),
      memory: z.number().describe('resident, MiB'),
      channels: z.number().int().optional().describe('pages that hear of changes from it'),
    }),
  ),
});

export type SystemState = z.infer<typeof state>;

/** The installation on one page, for administrators. It tells of no person, and leaves no row in the audit trail. */
export function systemRoutes(system: () => Promise<SystemState>): ApiRoute[] {
  return [
    apiRoute({
      method: 'get',
      path: '/portal/system',
      tag: 'Set-up',
      roles: ['admin'],
      summary: 'How all parts and processes of the installation are',
      description: 'Codes and numbers of this moment; no names of machines, no paths, no secrets.',
      answer: { schema: state },
      handle: () => system(),
    }),
  ];
}
