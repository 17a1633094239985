/** My account (`/portal/me`): what everybody sees and changes of themselves, and of nobody else. */
import type { PublicKeyCredentialCreationOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/browser';
import type { AuditPage, AuditPlace } from './audit.ts';
import type { Role } from '../smart/claims.ts';
import { jsonCalls, part } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

export interface PersonName {
  prefix?: string;
  given: string;
  family: string;
}

export interface Me {
  id: string;
  email: string;
  name: string;
  nameParts?: PersonName;
  role: Role;
  person: string;
  language?: string;
  notifications: { reportReady: boolean };
  /** The e-mail address is known to be this person's. */
  verified: boolean;
  /** Of patients: whether the clinic has tied this account to its record. */
  tied?: boolean;
  passwordChangedAt?: string;
}

export interface MeChange {
  language?: string;
  notifications?: Me['notifications'];
  name?: PersonName;
}

export interface SignedInDevice {
  id: string;
  device: string;
  address?: string;
  signedInAt: string;
  lastSeenAt?: string;
  current: boolean;
}

export interface ConnectedApp {
  id: string;
  name: string;
  /** What it may do, in plain words. */
  may: string[];
  since: string;
}

export interface Factor {
  id: string;
  kind: 'totp' | 'passkey';
  name: string;
  createdAt: string;
  lastUsedAt?: string;
}

export interface Factors {
  factors: Factor[];
  /** Codes by mail are on. */
  mail: boolean;
  mailAllowed: boolean;
  recoveryCodesLeft: number;
  /** This person's role must have a second factor. */
  required: boolean;
}

export interface NewAuthenticator {
  id: string;
  secret: string;
  uri: string;
  /** SVG. */
  qr: string;
}

export interface AccountClient {
  me(signal?: AbortSignal): Promise<Me>;
  change(change: MeChange): Promise<Me>;
  changePassword(current: string, next: string): Promise<void>;
  /** The new address counts when the link that is mailed there was opened. */
  askForAddress(email: string, current: string): Promise<void>;
  useCode(code: string): Promise<void>;
  sessions(signal?: AbortSignal): Promise<{ sessions: SignedInDevice[] }>;
  endSession(id: string): Promise<void>;
  endOtherSessions(): Promise<void>;
  apps(signal?: AbortSignal): Promise<{ apps: ConnectedApp[] }>;
  revokeApp(id: string): Promise<void>;
  accesses(before: AuditPlace | undefined, signal?: AbortSignal): Promise<AuditPage>;
  factors(signal?: AbortSignal): Promise<Factors>;
  newAuthenticator(): Promise<NewAuthenticator>;
  confirmAuthenticator(id: string, code: string): Promise<void>;
  newPasskey(): Promise<{ id: string; options: PublicKeyCredentialCreationOptionsJSON }>;
  addPasskey(id: string, name: string, response: RegistrationResponseJSON): Promise<void>;
  removeFactor(id: string): Promise<void>;
  mailCodes(on: boolean): Promise<void>;
  newRecoveryCodes(): Promise<{ codes: string[] }>;
}

export function accountClient(send: AuthorizedFetch, base: string): AccountClient {
  const calls = jsonCalls(send, base);
  return {
    me: (signal) => calls.get('', {}, signal),
    change: (change) => calls.send('PATCH', '', change),
    changePassword: (current, next) => calls.send('POST', '/password', { current, next }),
    askForAddress: (email, current) => calls.send('POST', '/email', { email, current }),
    useCode: (code) => calls.send('POST', '/patient-code', { code }),
    sessions: (signal) => calls.get('/sessions', {}, signal),
    endSession: (id) => calls.send('DELETE', `/sessions/${part(id)}`),
    endOtherSessions: () => calls.send('POST', '/sessions/end-others', {}),
    apps: (signal) => calls.get('/apps', {}, signal),
    revokeApp: (id) => calls.send('DELETE', `/apps/${part(id)}`),
    accesses: (before, signal) => calls.get('/accesses', { before, limit: 50 }, signal),
    factors: (signal) => calls.get('/factors', {}, signal),
    newAuthenticator: () => calls.send('POST', '/factors/totp', {}),
    confirmAuthenticator: (id, code) => calls.send('POST', `/factors/totp/${part(id)}/confirm`, { code }),
    newPasskey: () => calls.send('POST', '/factors/passkey/options', {}),
    addPasskey: (id, name, response) => calls.send('POST', '/factors/passkey', { id, name, response }),
    removeFactor: (id) => calls.send('DELETE', `/factors/${part(id)}`),
    mailCodes: (on) => calls.send('PUT', '/factors/mail', { on }),
    newRecoveryCodes: () => calls.send('POST', '/recovery-codes', {}),
  };
}
