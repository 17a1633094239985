import type { Organization, Patient, Practitioner, Resource } from '@medplum/fhirtypes';
import type { System } from '../compose.ts';
import { ensureAccount } from '../core/accounts/account.ts';
import type { World } from '../core/world.ts';
import { systemPrincipal, type Principal } from '../core/principal.ts';
import { searchOwn } from '../core/records/own-search.ts';
import { writeInTransaction } from '../core/records/write.ts';
import { receiveInstance } from '../core/studies/receive-instance.ts';
import { storeInstances } from '../core/studies/store-instance.ts';
import { systems } from '../core/vocabulary/systems.ts';
import { chestFilm, phantomSlices, type DemoStudy } from './demo-images.ts';
import { demoPassword, demoPeople, type DemoPerson } from './people.ts';
import { seedRemoteAes } from './remote-aes.ts';

const maker = systemPrincipal('demo-data');

/**
 * The invented hospital of demo mode: organisation, four people with accounts, two patients, studies. Every
 * id is fixed, so a second run changes nothing.
 */
export async function seedDemo(
  system: System,
  onProgress: (step: string) => void,
  options: { studies: boolean } = { studies: true },
): Promise<void> {
  if (await isDone(system.world, options)) return;
  onProgress('making demo data');
  await put(system, organization(system.world.settings.organizationName));
  for (const patient of demoPatients(system.world.settings.fhirBaseUrl)) await put(system, patient);
  for (const person of demoPeople) {
    const fhirUser = person.role === 'patient' ? 'Patient/demo-patient-1' : `Practitioner/demo-${person.role}`;
    if (person.role !== 'patient') await put(system, practitioner(person));
    await ensureAccount(system.world, system.passwords, {
      email: person.email,
      password: demoPassword,
      role: person.role,
      displayName: [person.prefix, person.given, person.family].filter(Boolean).join(' '),
      fhirUser,
    });
  }
  await seedRemoteAes(system.world);
  if (options.studies) await seedStudies(system.world);
}

/** Looks for what is made last, so that a start that was killed half-way is completed by the next. */
async function isDone(world: World, options: { studies: boolean }): Promise<boolean> {
  const last = await world.read<unknown>(({ accounts, studies }) =>
    options.studies ? studies.study(studyUID(3)) : accounts.byEmail(demoPeople.at(-1)!.email),
  );
  return last !== undefined;
}

/** Three studies: a film that waits for the AI, one that the AI is asked to look at now, and a CT phantom to scroll through. */
async function seedStudies(world: World): Promise<void> {
  await storeAll(world, [await chestFilm('film-1.jpg', study(1, 'DEMO-1001', 'Rao^Arjun', '19850412', 'Chest PA'))]);
  await storeAll(world, [
    await chestFilm('film-2.jpg', study(2, 'DEMO-1002', 'Okafor^Daniel', '19750930', 'Chest PA')),
  ]);
  await startAnalysis(world);
  await storeAll(world, phantomSlices(study(3, 'DEMO-1002', 'Okafor^Daniel', '19750930', 'CT phantom'), 40));
}

function studyUID(number: number): string {
  return `2.25.190146791043182537444806132342625375407.${number}`;
}

function study(
  number: number,
  patientId: string,
  patientName: string,
  birthDate: string,
  description: string,
): DemoStudy {
  return {
    patientId,
    patientName,
    birthDate,
    sex: 'M',
    studyUID: studyUID(number),
    accession: `DEMO-ACC-${number}`,
    description,
    studyDate: `202611${String(10 + number).padStart(2, '0')}`,
    studyTime: '101500',
  };
}

/** By the same way in as every other image. */
async function storeAll(world: World, files: Uint8Array[]): Promise<void> {
  const arriving = [];
  for (const file of files) arriving.push(await receiveInstance(world, only(file)));
  const { instances } = await storeInstances(world, maker, arriving);
  if (instances.some(({ status }) => status === 'failed')) throw new Error('The demo images could not be stored.');
}

async function* only(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}

const demoDoctor: Principal = {
  kind: 'user',
  subject: 'demo-data',
  clientId: 'csss',
  role: 'doctor',
  fhirUser: 'Practitioner/demo-doctor',
  scopes: [{ context: 'user', type: '*', permissions: 'cruds' }],
};

/** What the demo doctor's click does; the workflow lets nobody else start it. */
async function startAnalysis(world: World): Promise<void> {
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] },
    { parameter: 'patient', values: ['Patient/demo-patient-2'] },
    { parameter: 'status', values: ['requested'] },
  ];
  const sort = [{ parameter: 'authored-on', descending: false }];
  const { found } = await world.read((stores) => searchOwn(stores, 'Task', conditions, { count: 1, sort }));
  const [task] = found;
  if (!task) return; // started before the last start was killed
  await writeInTransaction(world, demoDoctor, {
    method: 'update',
    id: task.id,
    resource: { ...task, status: 'accepted' },
  });
}

async function put({ world }: System, resource: Resource & { id: string }): Promise<void> {
  await writeInTransaction(world, maker, { method: 'update', id: resource.id, resource });
}

function organization(name: string): Organization & { id: string } {
  return {
    resourceType: 'Organization',
    id: 'demo-hospital',
    active: true,
    name,
    telecom: [
      { system: 'phone', value: '+1 555 0100' },
      { system: 'email', value: 'radiology@demo.csss.example' },
    ],
    address: [{ line: ['1 Harbour Road'], city: 'Sampletown', postalCode: '00100' }],
  };
}

function practitioner({ role, email, given, family, prefix }: DemoPerson): Practitioner & { id: string } {
  return {
    resourceType: 'Practitioner',
    id: `demo-${role}`,
    active: true,
    name: [{ family, given: [given], ...(prefix === undefined ? {} : { prefix: [prefix] }) }],
    telecom: [{ system: 'email', value: email }],
    ...(role === 'doctor' ? { qualification: [{ code: { text: 'MD, Radiology' } }] } : {}),
  };
}

/** Identifier systems and numbers are those of the demo images, so that both find each other. */
const demoPatients = (fhirBaseUrl: string): (Patient & { id: string })[] => [
  {
    resourceType: 'Patient',
    id: 'demo-patient-1',
    active: true,
    identifier: [
      {
        type: { coding: [{ system: systems.identifierType, code: 'MR' }] },
        system: `${fhirBaseUrl}/NamingSystem/patient-id-of-CSSS-DEMO`,
        value: 'DEMO-1001',
      },
    ],
    name: [{ family: 'Rao', given: ['Arjun'] }],
    gender: 'male',
    birthDate: '1985-04-12',
    telecom: [
      { system: 'email', value: 'patient@demo.csss.example' },
      { system: 'phone', value: '+1 555 0142' },
    ],
    address: [{ line: ['22 Orchard Lane'], city: 'Sampletown', postalCode: '00102' }],
  },
  {
    resourceType: 'Patient',
    id: 'demo-patient-2',
    active: true,
    identifier: [
      {
        type: { coding: [{ system: systems.identifierType, code: 'MR' }] },
        system: `${fhirBaseUrl}/NamingSystem/patient-id-of-CSSS-DEMO`,
        value: 'DEMO-1002',
      },
    ],
    name: [{ family: 'Okafor', given: ['Daniel'] }],
    gender: 'male',
    birthDate: '1975-09-30',
    telecom: [{ system: 'email', value: 'daniel.okafor@demo.csss.example' }],
  },
];
