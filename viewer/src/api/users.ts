/** People who may sign in (`/portal/users`), people who registered and wait, and the codes that tie them to a record. */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';
import type { Role } from '../smart/claims.ts';

export const userStates = ['invited', 'active', 'disabled'] as const;
export type UserState = (typeof userStates)[number];
export type Factor = 'totp' | 'passkey' | 'mail';

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  /** `Practitioner/id` or `Patient/id`. */
  person?: string;
  state: UserState;
  /** The address was proved by a mail. */
  verified: boolean;
  factors: Factor[];
  createdAt: string;
  lastSignInAt?: string;
  invitationEndsAt?: string;
}

export interface UserSession {
  id: string;
  device: string;
  address?: string;
  signedInAt: string;
  lastSeenAt?: string;
}

export interface UserInFull extends User {
  sessions: UserSession[];
}

export interface PersonName {
  prefix?: string;
  given: string;
  family: string;
}

export interface NewUser extends PersonName {
  email: string;
  role: Role;
  qualification?: string;
  identifier?: { system?: string; value: string };
  /** Id of the Patient whose account it becomes. */
  patient?: string;
}

export type UserChange = Partial<PersonName> & { email?: string; qualification?: string };
export type UserAct = 'invite' | 'disable' | 'enable' | 'end-sessions' | 'reset-factors';

export interface UserSearch {
  text?: string | undefined;
  role?: Role | undefined;
  state?: UserState | undefined;
  offset: number;
  limit: number;
}

export interface Registration {
  userId: string;
  email: string;
  name: string;
  birthDate?: string;
  createdAt: string;
}

export interface UsersClient {
  list(search: UserSearch, signal?: AbortSignal): Promise<{ users: User[]; total: number }>;
  read(id: string, signal?: AbortSignal): Promise<UserInFull>;
  invite(user: NewUser): Promise<User>;
  change(id: string, change: UserChange): Promise<unknown>;
  /** `from`: the role that was seen. @throws RequestFailure `conflict` if somebody else has changed it since. */
  changeRole(id: string, change: { role: Role; from: Role; reason: string }): Promise<unknown>;
  act(id: string, act: UserAct): Promise<unknown>;
  registrations(signal?: AbortSignal): Promise<{ registrations: Registration[]; total: number }>;
  tie(userId: string, patient: string): Promise<unknown>;
  /** A code that is handed out on paper; it is shown once. */
  patientCode(patient: string): Promise<{ code: string; endsAt: string }>;
}

export function usersClient(fetch: AuthorizedFetch, base: string): UsersClient {
  const { get, send } = jsonCalls(fetch, base);
  return {
    list: (search, signal) => get('/users', { ...search }, signal),
    read: (id, signal) => get(`/users/${part(id)}`, {}, signal),
    invite: (user) => send('POST', '/users', user),
    change: (id, change) => send('PATCH', `/users/${part(id)}`, change),
    changeRole: (id, change) => send('PUT', `/users/${part(id)}/role`, change),
    act: (id, act) => send('POST', `/users/${part(id)}/${act}`, {}),
    registrations: (signal) => get('/registrations', {}, signal),
    tie: (userId, patient) => send('POST', `/registrations/${part(userId)}/tie`, { patient }),
    patientCode: (patient) => send('POST', `/patients/${part(patient)}/code`),
  };
}
