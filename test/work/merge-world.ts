/** Patients, records and merges over HTTP, for the tests of merging. */
import type { Observation, OperationOutcome, Parameters, Patient, Resource } from '@medplum/fhirtypes';
import { expect } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { type Element, imageFile, newUid } from '../harness/dicom-file.ts';
import { reviewWorld, type ReviewWorld } from './review-world.ts';

export interface Person {
  id: string;
  number: string;
  patient: Patient;
}

/** A composed server without workers, and what the tests do with it. */
export async function mergeWorld() {
  const place: ReviewWorld = await reviewWorld();
  const { server } = place;
  const as = async (role: 'doctor' | 'admin') => caller(server, (await server.signIn(role)).access_token);
  const who = { doctor: await as('doctor'), admin: await as('admin'), service: caller(server, await server.backend()) };
  let number = 0;
  const born: Element = ['00100030', 'DA', '19610203'];
  const issuer: Element = ['00100021', 'LO', 'urn:oid:2.16.840.1.77'];

  /** A Patient with an identifier by which images of theirs come. */
  async function person(more: Partial<Patient> = {}): Promise<Person> {
    const value = `N-${++number}`;
    const answer = await who.service.send('POST', '/fhir/Patient', {
      resourceType: 'Patient',
      active: true,
      identifier: [{ system: 'urn:oid:2.16.840.1.77', value }],
      name: [{ family: `Family${number}` }],
      birthDate: '1961-02-03',
      ...more,
    });
    const patient = (await answer.json()) as Patient & { id: string };
    return { id: patient.id, number: value, patient };
  }

  const file = (of: Person, study = newUid()) =>
    imageFile({ study, patientId: of.number, patientName: 'Probe^P', with: [born, issuer] });

  async function store(of: Person, study = newUid()): Promise<{ status: number; study: string }> {
    return { status: (await who.service.store([file(of, study)])).status, study };
  }

  async function post<T extends Resource>(resource: T): Promise<T & { id: string }> {
    const answer = await who.service.send('POST', `/fhir/${resource.resourceType}`, resource);
    expect(answer.status).toBe(201);
    return (await answer.json()) as T & { id: string };
  }

  const observation = (of: string, more: Partial<Observation> = {}): Observation => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'weight' },
    subject: { reference: `Patient/${of}` },
    ...more,
  });

  const merge = (by: Caller, source: string, target: string, more: Parameters['parameter'] = []) =>
    by.send('POST', '/fhir/Patient/$merge', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'source-patient', valueReference: { reference: `Patient/${source}` } },
        { name: 'target-patient', valueReference: { reference: `Patient/${target}` } },
        ...more,
      ],
    } satisfies Parameters);

  const unmerge = (by: Caller, source: string) =>
    by.send('POST', `/fhir/Patient/${source}/$unmerge`, {
      resourceType: 'Parameters',
      parameter: [{ name: 'reason', valueString: 'they are brothers' }],
    } satisfies Parameters);

  async function refused(answer: Response): Promise<[number, string]> {
    return [answer.status, ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!];
  }

  const ids = async (query: string) => (await who.admin.search(query)).map(({ id }) => id!).sort();

  async function retire(by: Caller, source: string, target: string): Promise<Response> {
    const patient = await who.admin.json<Patient>(`/fhir/Patient/${source}`);
    const link: Patient['link'] = [{ other: { reference: `Patient/${target}` }, type: 'replaced-by' }];
    return by.send('PUT', `/fhir/Patient/${source}`, { ...patient, active: false, link });
  }

  return { place, who, person, store, post, observation, merge, unmerge, refused, ids, retire };
}

export type MergeWorld = Awaited<ReturnType<typeof mergeWorld>>;
