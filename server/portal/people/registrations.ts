/** Patients who have registered and wait for somebody who knows them. */
import { z } from 'zod';
import { everything } from '../../core/access/narrowing.ts';
import { makePatientCode } from '../../core/accounts/people/patient-code.ts';
import type { Person } from '../../core/accounts/people/people-store.ts';
import type { Reading, World } from '../../core/world.ts';
import { tieAccount } from '../../core/workflow/patients/tie-account.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { inTransaction, type UserRoutesParts } from './users.ts';

const staff = ['admin', 'doctor', 'pharmacist'] as const;
const tag = 'Registrations';

const registration = z.object({
  userId: z.string(),
  email: z.string(),
  name: z.string(),
  birthDate: z.string().optional(),
  createdAt: z.string(),
});

const page = z.object({
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export function registrationRoutes({ world, forgetChecks }: UserRoutesParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'get',
      path: '/portal/registrations',
      summary: 'Accounts of patients that are tied to no record of the clinic, oldest first',
      tag,
      roles: staff,
      event: 'portal:registrations',
      query: page,
      answer: { schema: z.object({ registrations: z.array(registration), total: z.number() }) },
      handle: ({ query }) => waiting(world, query),
    }),
    apiRoute({
      method: 'post',
      path: '/portal/registrations/:userId/tie',
      summary: 'Confirm that somebody who has registered is a patient of the clinic',
      tag,
      roles: staff,
      event: 'portal:registration-tie',
      body: z.strictObject({ patient: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is a FHIR id') }),
      answer: { schema: z.object({ userId: z.string(), person: z.string() }) },
      async handle(asked) {
        const userId = asked.params['userId']!;
        asked.about({ entities: [`account/${userId}`], patients: [asked.body.patient] });
        const person = await inTransaction(world, asked, (context) => tieAccount(context, userId, asked.body.patient));
        forgetChecks();
        return { userId, person: person.fhirUser };
      },
    }),
    apiRoute({
      method: 'post',
      path: '/portal/patients/:id/code',
      summary: 'A code for the patient to take along, with which an account is tied to the record; an earlier one ends',
      tag,
      roles: staff,
      event: 'portal:patient-code',
      answer: { status: 201, schema: z.object({ code: z.string(), endsAt: z.string() }) },
      async handle(asked) {
        const id = asked.params['id']!;
        asked.about({ patients: [id] });
        const { code, endsAt } = await inTransaction(world, asked, (context) => makePatientCode(context, id));
        return { code, endsAt: endsAt.toISOString() };
      },
    }),
  ];
}

function waiting(world: World, query: { offset: number; limit: number }) {
  return world.read(async (stores) => {
    const { people, total } = await stores.people.find({ ...query, untied: true });
    return { registrations: await Promise.all(people.map((person) => registrationJson(stores, person))), total };
  });
}

async function registrationJson(stores: Reading, { id, email, displayName, createdAt, fhirUser }: Person) {
  const record = await stores.records.read('Patient', fhirUser.slice('Patient/'.length), everything);
  const patient = record?.resource;
  const birthDate = patient?.resourceType === 'Patient' ? patient.birthDate : undefined;
  return {
    userId: id,
    email,
    name: displayName,
    ...(birthDate !== undefined && { birthDate }),
    createdAt: createdAt.toISOString(),
  };
}
