/** Users for administrators: whom there is, invite, change, lock out. */
import { z } from 'zod';
import { changeRole, disableAccount, enableAccount, endSessions, personForAct, resetFactors } from '../../core/accounts/people/change-access.ts'; // prettier-ignore
import { askForAddress } from '../../core/accounts/people/change-address.ts';
import { changeName, namePartsOf } from '../../core/accounts/people/change-name.ts';
import { inviteAgain, inviteByMail } from '../../core/accounts/people/invitation.ts';
import type { NewPerson } from '../../core/accounts/people/invite.ts';
import type { Person } from '../../core/accounts/people/people-store.ts';
import { everything } from '../../core/access/narrowing.ts';
import { Problem } from '../../core/problem.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { Reading, World, WriteContext } from '../../core/world.ts';
import { apiRoute, type ApiRoute, type Asked } from '../api/api-route.ts';
import { role, sessionJson, sessionSchema, userJson, userSchema } from './user-json.ts';

export interface UserRoutesParts {
  world: World;
  /** Throws cached checks of tokens away in this process; others ask again within 20 s. */
  forgetChecks(): void;
}

const admin = ['admin'] as const;
const tag = 'Users';
const words = z.string().trim().max(200);
const reason = z.string().trim().min(3, 'needs a few words').max(1000);
const namePart = z.string().trim().max(100);
const userPage = userSchema.extend({ sessions: z.array(sessionSchema) });

const wantedUsers = z.object({
  text: words.optional(),
  role: role.optional(),
  state: z.enum(['invited', 'active', 'disabled']).optional(),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const newUser = z.strictObject({
  email: z.string().max(254),
  role,
  prefix: namePart.optional(),
  given: namePart,
  family: namePart,
  qualification: words.optional(),
  identifier: z.strictObject({ system: z.url().max(500).optional(), value: z.string().trim().min(1).max(100) }).optional(),
  language: z.string().max(35).optional(),
  patient: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is a FHIR id').optional(),
}); // prettier-ignore

const changedUser = z.strictObject({
  email: z.string().max(254).optional(),
  prefix: namePart.optional(),
  given: namePart.optional(),
  family: namePart.optional(),
  qualification: words.optional(),
});

export function userRoutes(parts: UserRoutesParts): ApiRoute[] {
  const { world } = parts;
  return [
    apiRoute({
      method: 'get',
      path: '/portal/users',
      summary: 'Users, by name',
      tag,
      roles: admin,
      event: 'portal:users',
      query: wantedUsers,
      answer: { schema: z.object({ users: z.array(userSchema), total: z.number() }) },
      handle: ({ query }) => world.read(async (stores) => {
        const { people, total } = await stores.people.find(query);
        return { users: await Promise.all(people.map((person) => userJson(stores, person))), total };
      }),
    }), // prettier-ignore
    apiRoute({
      method: 'post',
      path: '/portal/users',
      summary: 'Invite somebody by mail',
      tag,
      roles: admin,
      event: 'portal:user-invite',
      fresh: true,
      body: newUser,
      answer: { status: 201, schema: userSchema },
      async handle(asked) {
        const { id } = await inTransaction(world, asked, async (context) => {
          await mustBeAdmin(context);
          return inviteByMail(context, newPerson(asked.body));
        });
        asked.about({ entities: [`account/${id}`] });
        return userOf(world, id);
      },
    }),
    apiRoute({
      method: 'get',
      path: '/portal/users/:id',
      summary: 'A user, with the browsers that are signed in',
      tag,
      roles: admin,
      event: 'portal:user',
      answer: { schema: userPage },
      spoken: ['device'],
      handle: ({ params }) => userWithSessions(world, params['id']!),
    }),
    apiRoute({
      method: 'patch',
      path: '/portal/users/:id',
      summary: 'Correct address, name or qualification',
      tag,
      roles: admin,
      event: 'portal:user-change',
      fresh: true,
      body: changedUser,
      answer: { schema: userPage },
      spoken: ['device'],
      async handle(asked) {
        const id = asked.params['id']!;
        asked.about({ entities: [`account/${id}`] });
        await inTransaction(world, asked, async (context) => {
          const { person } = await personForAct(context, id);
          await changeUser(context, person, asked.body);
        });
        return userWithSessions(world, id);
      },
    }),
    act(parts, 'put', 'role', 'Give another role', z.strictObject({ role, reason, from: role.optional() }), changeRole),
    act(parts, 'post', 'disable', 'Lock a user out', z.strictObject({ reason: reason.optional() }).optional(), (context, id, body) =>
      disableAccount(context, id, body?.reason)), // prettier-ignore
    act(parts, 'post', 'enable', 'Let a user in again', anything, enableAccount),
    act(parts, 'post', 'end-sessions', 'Sign a user out everywhere', anything, endSessions),
    act(parts, 'post', 'reset-factors', 'Take the second factors off, and mail a link for a new one', anything, async (context, id) => void (await resetFactors(context, id))), // prettier-ignore
    act(parts, 'post', 'invite', 'Send the invitation again; the earlier link ends', anything, async (context, id) =>
      inviteAgain(context, (await personForAct(context, id)).person)), // prettier-ignore
  ];
}

/** Acts that need no words are posted with an empty object, or nothing. */
const anything = z.object({}).optional();

function act<Body>(
  { world, forgetChecks }: UserRoutesParts,
  method: 'put' | 'post',
  name: string,
  summary: string,
  body: z.ZodType<Body>,
  work: (context: WriteContext, id: string, body: Body) => Promise<void>,
): ApiRoute {
  return apiRoute<Body, unknown>({
    method,
    path: `/portal/users/:id/${name}`,
    summary,
    tag,
    roles: admin,
    event: `portal:user-${name}`,
    fresh: true,
    body,
    answer: { schema: userPage },
    spoken: ['device'],
    async handle(asked) {
      const id = asked.params['id']!;
      asked.about({ entities: [`account/${id}`] });
      await inTransaction(world, asked, (context) => work(context, id, asked.body));
      forgetChecks();
      return userWithSessions(world, id);
    },
  });
}

export function inTransaction<T>(
  world: World,
  { principal, requestId, sourceAddress }: Pick<Asked, 'principal' | 'requestId' | 'sourceAddress'>,
  work: (context: WriteContext) => Promise<T>,
): Promise<T> {
  return inOneTransaction(world, { principal, requestId, sourceAddress }, work);
}

/** @throws Problem `forbidden` if another administrator has changed that meanwhile. */
async function mustBeAdmin({ stores, principal }: WriteContext): Promise<void> {
  if (!(await stores.people.lockActiveAdmins()).includes(principal.subject))
    throw new Problem('forbidden', 'You are no administrator any more: another one has changed that meanwhile.');
}

function newPerson({ prefix, given, family, patient, email, ...rest }: z.infer<typeof newUser>): NewPerson {
  const { role: wanted, qualification, identifier, language } = rest;
  return {
    email,
    role: wanted,
    name: { given, family, ...(prefix && { prefix }) },
    ...(qualification && { qualification }),
    ...(identifier && {
      identifier: { value: identifier.value, ...(identifier.system && { system: identifier.system }) },
    }),
    ...(language && { language }),
    ...(patient !== undefined && { patientId: patient }),
  };
}

async function changeUser(context: WriteContext, person: Person, change: z.infer<typeof changedUser>): Promise<void> {
  const { email, qualification, prefix, given, family } = change;
  if ([prefix, given, family, qualification].some((one) => one !== undefined)) {
    const now = await namePartsIn(context.stores, person);
    const name = {
      prefix: prefix ?? now?.prefix ?? '',
      given: given ?? now?.given ?? '',
      family: family ?? now?.family ?? '',
    };
    await changeName(context, person, { name, ...(qualification !== undefined && { qualification }) });
  }
  if (email !== undefined) await askForAddress(context, person, email);
}

/** The name as the person's own record has it. */
export async function namePartsIn({ records }: Pick<Reading, 'records'>, { fhirUser }: Pick<Person, 'fhirUser'>) {
  const [type, id] = fhirUser.split('/') as ['Practitioner' | 'Patient', string];
  const record = (await records.read(type, id, everything))?.resource;
  const isPerson = record?.resourceType === 'Practitioner' || record?.resourceType === 'Patient';
  return isPerson ? namePartsOf(record.name) : undefined;
}

function userOf(world: World, id: string) {
  return world.read(async (stores) => {
    const person = await stores.people.byId(id);
    if (!person) throw new Problem('not-found', 'There is no such user.');
    return userJson(stores, person);
  });
}

async function userWithSessions(world: World, id: string) {
  const user = await userOf(world, id);
  const sessions = await world.read((stores) => stores.sessions.of(id));
  return { ...user, sessions: sessions.map(sessionJson) };
}
