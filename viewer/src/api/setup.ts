/** The first day (`/portal/setup`): what this site is, and what is still missing. */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export const setUpSteps = ['organisation', 'mail', 'doctors', 'sender', 'app'] as const;
export type SetUpStepId = (typeof setUpSteps)[number];

export interface SetUpStep {
  id: SetUpStepId;
  state: 'done' | 'skipped' | 'open';
  detail?: string;
}

export interface Organisation {
  name: string;
  address: { line: string[]; city: string; postalCode: string; country: string };
  phone?: string;
  /** IANA name. */
  timeZone: string;
  /** BCP 47. */
  languages: string[];
}

export interface SetUp {
  steps: SetUpStep[];
  organisation: Organisation & { logo: boolean };
  /** Names of fields that the environment sets, which are not changed here. */
  fixed: string[];
  /** Another time zone was chosen, and waits until the server is started anew. */
  pending?: { timeZone: string; inUse: string; how: string };
}

/** One mail on its way. `answer` is the relay's own last word. */
export interface MailTest {
  id: string;
  state: string;
  tries: number;
  answer?: string;
  nextTry?: string;
}

export interface SetUpClient {
  read(signal?: AbortSignal): Promise<SetUp>;
  saveOrganisation(organisation: Organisation): Promise<unknown>;
  saveLogo(picture: Blob): Promise<unknown>;
  removeLogo(): Promise<unknown>;
  sendTestMail(to: string): Promise<{ delivery: string }>;
  testMail(delivery: string, signal?: AbortSignal): Promise<MailTest>;
  skip(step: SetUpStepId): Promise<unknown>;
}

export function setUpClient(fetch: AuthorizedFetch, base: string): SetUpClient {
  const { get, send } = jsonCalls(fetch, base);
  return {
    read: (signal) => get('/setup', {}, signal),
    saveOrganisation: (organisation) => send('PUT', '/setup/organisation', organisation),
    saveLogo: (picture) =>
      fetch(`${base}/setup/logo`, { method: 'PUT', headers: { 'Content-Type': picture.type }, body: picture }),
    removeLogo: () => send('DELETE', '/setup/logo'),
    sendTestMail: (to) => send('POST', '/setup/mail-test', { to }),
    testMail: (delivery, signal) => get(`/deliveries/${part(delivery)}`, {}, signal),
    skip: (step) => send('POST', `/setup/steps/${part(step)}/skip`),
  };
}
