import { z } from 'zod';
import { findHidden, openInEmergency } from '../core/accounts/emergency-access.ts';
import type { AttemptStore } from '../core/accounts/authorizations.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from './api/api-route.ts';

export interface EmergencyParts {
  world: World;
  attempts: AttemptStore;
  /** Forgets what was found out about tokens, so that the record opens at once. */
  forgetChecks(): void;
}

const tag = 'Emergency access';
const fhirId = z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is a FHIR id');
const opened = z.object({ patient: z.string(), reason: z.string(), at: z.date(), until: z.date() });
/** Numbers that one doctor looks up at once, and the seconds after which one is forgotten. */
const lookUps = { free: 20, leak: 120, longest: 900 };
const mostListed = 500;

/** Restricted records in an emergency (features of HIPAA 164.312(a)(2)(ii)): find by number, open for an hour, list. */
export function emergencyAccessRoutes({ world, attempts, forgetChecks }: EmergencyParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'post',
      path: '/portal/emergency-access/find',
      summary: 'Restricted records that are kept from you, by a number that you know whole',
      tag,
      roles: ['doctor'],
      event: 'access:emergency-find',
      body: z.strictObject({ identifier: z.string().trim().min(1).max(100) }),
      answer: {
        schema: z.object({
          records: z.array(
            z.object({ patient: z.string(), restricted: z.literal(true), initials: z.string(), open: z.boolean() }),
          ),
        }),
      },
      async handle({ principal, body, about }) {
        const wait = await attempts.begin([{ key: `emergency-find ${principal.subject}`, ...lookUps }]);
        if (wait > 0)
          throw new Problem('throttled', `Too many numbers were tried. Try again in ${wait} seconds.`, {
            retryAfter: wait,
          });
        const records = await findHidden(world, principal, body.identifier);
        about({ patients: records.map(({ patient }) => patient) });
        return { records };
      },
    }),
    apiRoute({
      method: 'post',
      path: '/portal/emergency-access',
      summary: 'Opens a restricted record for an hour; the reason is kept and administrators are told',
      tag,
      roles: ['doctor'],
      body: z.strictObject({ patient: fhirId, reason: z.string().trim().min(10, 'needs a sentence').max(1000) }),
      answer: { status: 201, schema: z.object({ until: z.date() }) },
      async handle({ principal, body, requestId, sourceAddress }) {
        const until = await openInEmergency(world, principal, body, { requestId, sourceAddress });
        forgetChecks();
        return { until };
      },
    }),
    apiRoute({
      method: 'get',
      path: '/portal/emergency-access',
      summary: 'Who has opened which restricted record, and why',
      tag,
      roles: ['admin'],
      event: 'portal:emergency-access',
      answer: {
        schema: z.object({ accesses: z.array(opened.extend({ account: z.string(), who: z.string().optional() })) }),
      },
      async handle({ about }) {
        const accesses = await world.read(async ({ restricted, accounts }) =>
          Promise.all(
            (await restricted.opened(mostListed)).map(async ({ accountId, patientId, ...access }) => ({
              account: accountId,
              who: (await accounts.byId(accountId))?.displayName,
              patient: patientId,
              ...access,
            })),
          ),
        );
        about({ patients: [...new Set(accesses.map(({ patient }) => patient))] });
        return { accesses };
      },
    }),
    apiRoute({
      method: 'get',
      path: '/portal/me/emergency-access',
      summary: 'Restricted records that are open for you now',
      tag,
      roles: everyRole,
      answer: { schema: z.object({ accesses: z.array(z.object({ patient: z.string(), until: z.date() })) }) },
      async handle({ principal }) {
        const now = world.now().getTime();
        const all = await world.read(({ restricted }) => restricted.opened(mostListed));
        const own = all.filter(({ accountId, until }) => accountId === principal.subject && until.getTime() > now);
        return { accesses: own.map(({ patientId, until }) => ({ patient: patientId, until })) };
      },
    }),
  ];
}
