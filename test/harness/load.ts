import { setTimeout as sleep } from 'node:timers/promises';
import type { Patient } from '@medplum/fhirtypes';
import { expect } from 'vitest';
import type { Caller } from './calls.ts';
import { imageFile, newUid } from './dicom-file.ts';

const system = 'https://faults.example/patient';

interface Sent {
  key: string;
  status: number;
  retryAfter: string | null;
  requestId: string | null;
  body: string;
}

/** What a load has sent, and what the server said to each. A status of 0 is a connection that was lost. */
export interface Load {
  patients: Sent[];
  images: (Sent & { study: string; series: string })[];
}

/**
 * Callers that create Patients and store images, one after another, until told to stop; each request is sent once.
 *
 * @param options.bulk characters of text in each Patient
 */
export function startLoad(
  who: Caller,
  options: { callers?: number; bulk?: number } = {},
): { load: Load; stop(): Promise<Load> } {
  const load: Load = { patients: [], images: [] };
  let going = true;
  const run = async () => {
    while (going) {
      await createPatient(who, load, options.bulk ?? 0);
      await storeImage(who, load);
      await sleep(5);
    }
  };
  const callers = Array.from({ length: options.callers ?? 3 }, run);
  return {
    load,
    async stop() {
      going = false;
      await Promise.all(callers);
      return load;
    },
  };
}

export async function createPatient(who: Caller, load: Load, bulk = 0): Promise<number> {
  const key = newUid();
  const resource: Patient = {
    resourceType: 'Patient',
    identifier: [{ system, value: key }],
    ...(bulk > 0 && { address: [{ text: noise(bulk) }] }),
  };
  const sent = await asSent(key, () => who.send('POST', '/fhir/Patient', resource));
  load.patients.push(sent);
  return sent.status;
}

export async function storeImage(who: Caller, load: Load): Promise<number> {
  const [study, series, key] = [newUid(), newUid(), newUid()];
  const file = imageFile({ study, series, instance: key, patientId: `P-${key.slice(-12)}` });
  const sent = await asSent(key, () => who.store([file]));
  load.images.push({ ...sent, study, series });
  return sent.status;
}

async function asSent(key: string, send: () => Promise<Response>): Promise<Sent> {
  try {
    const answer = await send();
    const { status, headers } = answer;
    const body = await answer.text();
    return { key, status, retryAfter: headers.get('Retry-After'), requestId: headers.get('X-Request-Id'), body };
  } catch {
    return { key, status: 0, retryAfter: null, requestId: null, body: '' };
  }
}

/** Text that does not compress. */
function noise(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text.slice(0, length);
}

export const acknowledged = <T extends Sent>(sent: T[]): T[] =>
  sent.filter(({ status }) => status === 200 || status === 201);

/** During a fault a caller is told to come again, or that the storage is full; nothing else, and never a bare 500. */
export function expectHonestRefusals({ patients, images }: Load, options: { lost: boolean } = { lost: false }): void {
  const refused = [...patients, ...images].filter(({ status }) => status !== 200 && status !== 201);
  const wrong = refused.filter(
    ({ status, retryAfter }) =>
      !(status === 507 || (status === 503 && retryAfter !== null) || (options.lost && status === 0)),
  );
  expect(wrong.slice(0, 5).map(({ status, retryAfter, body }) => ({ status, retryAfter, body }))).toEqual([]);
}

/** Every acknowledged thing is there once, and nothing is there twice or by half. */
export async function expectAllThereOnce(who: Caller, { patients, images }: Load): Promise<void> {
  for (const { key, status } of patients) {
    const found = await who.search<Patient>(`Patient?identifier=${system}|${key}`);
    if (status === 201) expect([key, found.length]).toEqual([key, 1]);
    else expect(found.length).toBeLessThanOrEqual(1);
  }
  for (const { key, study, series, status } of images) {
    const listed = await who.get(`/dicomweb/studies/${study}/instances`, { Accept: 'application/dicom+json' });
    const isListed = listed.status === 200 && ((await listed.json()) as unknown[]).length === 1;
    if (status === 200) expect([key, isListed]).toEqual([key, true]);
    if (!isListed) continue;
    const bytes = await who.get(`/dicomweb/studies/${study}/series/${series}/instances/${key}`);
    expect([key, bytes.status]).toEqual([key, 200]);
    await bytes.arrayBuffer();
  }
}
