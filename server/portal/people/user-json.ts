import { z } from 'zod';
import { factorsOf } from '../../core/accounts/factors/factors-of.ts';
import type { Person } from '../../core/accounts/people/people-store.ts';
import { stateOf } from '../../core/accounts/people/person-state.ts';
import type { BrowserSession } from '../../core/accounts/sign-in/session-store.ts';
import type { Reading } from '../../core/world.ts';

export const role = z.enum(['patient', 'doctor', 'pharmacist', 'admin']);

export const userSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role,
  person: z.string(),
  state: z.enum(['invited', 'active', 'disabled']),
  verified: z.boolean(),
  factors: z.array(z.enum(['totp', 'passkey', 'mail'])),
  createdAt: z.string(),
  lastSignInAt: z.string().optional(),
  invitationEndsAt: z.string().optional(),
});

export const sessionSchema = z.object({
  id: z.string(),
  device: z.string(),
  address: z.string(),
  signedInAt: z.string(),
  lastSeenAt: z.string(),
  current: z.boolean(),
});

/** A user as our screens show it; nothing that opens the account. */
export async function userJson(stores: Reading, person: Person): Promise<z.infer<typeof userSchema>> {
  return {
    id: person.id,
    email: person.email,
    name: person.displayName,
    role: person.role,
    person: person.fhirUser,
    state: stateOf(person),
    verified: person.verifiedAt !== undefined,
    factors: await factorsOf(stores, person.id),
    createdAt: person.createdAt.toISOString(),
    ...(person.lastSignInAt && { lastSignInAt: person.lastSignInAt.toISOString() }),
    ...(person.invitationEndsAt && { invitationEndsAt: person.invitationEndsAt.toISOString() }),
  };
}

export function sessionJson(session: BrowserSession): z.infer<typeof sessionSchema> {
  const { signedInAt, lastSeenAt } = session;
  return { ...session, signedInAt: signedInAt.toISOString(), lastSeenAt: lastSeenAt.toISOString() };
}
