import { z } from 'zod';
import { consentKinds, decideConsent, decisionsOf, type ConsentKind } from '../../core/patient/consent.ts';
import { lockSelf } from '../../core/patient/self.ts';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { patientIn } from './scans.ts';

const kind = z.enum(consentKinds);
const decision = z.object({
  kind,
  permitted: z.boolean(),
  decidedAt: z.string().optional().describe('missing where only the usual holds'),
});

const ofPatients = { tag: 'My scans', roles: ['patient'] } as const;

/** What a patient decides about the own record. Each decision is a FHIR Consent, which staff read. */
export function consentRoutes({ world }: { world: World }): ApiRoute[] {
  return [
    apiRoute({
      ...ofPatients,
      method: 'get',
      path: '/portal/me/consents',
      summary: 'What I have decided about my record',
      answer: { schema: z.object({ consents: z.array(decision) }) },
      handle: ({ principal }) => decisions(world, principal),
    }),
    apiRoute({
      ...ofPatients,
      method: 'put',
      path: '/portal/me/consents/:kind',
      summary: 'Decide',
      description: 'Without consent to links those that are open end at once.',
      event: 'portal:consent',
      params: { kind },
      body: z.strictObject({ permitted: z.boolean() }),
      answer: { schema: z.object({ consents: z.array(decision) }) },
      async handle({ principal, requestId, sourceAddress, params, body, about }) {
        about({ patients: [patientIn(principal)], entities: [`consent/${params['kind']}`] });
        await inOneTransaction(world, { principal, requestId, sourceAddress }, async (context) =>
          decideConsent(context, await lockSelf(context), params['kind'] as ConsentKind, body.permitted),
        );
        return decisions(world, principal);
      },
    }),
  ];
}

function decisions(world: World, principal: Principal) {
  return world.read(async (stores) => {
    const person = await stores.people.byId(principal.subject);
    if (!person) throw new Problem('not-found', 'Your account is not there any more.');
    return { consents: await decisionsOf(stores, { ...person, patient: patientIn(principal) }) };
  });
}
