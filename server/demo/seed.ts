import type { Organization, Patient, Practitioner, Resource } from '@medplum/fhirtypes';
import type { System } from '../compose.ts';
import { ensureAccount } from '../core/accounts/account.ts';
import { systemPrincipal } from '../core/principal.ts';
import { writeInTransaction } from '../core/records/write.ts';
import { demoPassword, demoPeople, type DemoPerson } from './people.ts';

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
  void options;
  const standing = await system.world.accounts.byEmail(demoPeople.at(-1)!.email);
  if (standing) return;
  onProgress('making demo data');
  await put(system, organization(system.world.settings.organizationName));
  for (const patient of demoPatients) await put(system, patient);
  for (const person of demoPeople) {
    const fhirUser = person.role === 'patient' ? 'Patient/demo-patient-1' : `Practitioner/demo-${person.role}`;
    if (person.role !== 'patient') await put(system, practitioner(person));
    await ensureAccount(system.world.accounts, system.passwords, {
      email: person.email,
      password: demoPassword,
      role: person.role,
      displayName: [person.prefix, person.given, person.family].filter(Boolean).join(' '),
      fhirUser,
    });
  }
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
const demoPatients: (Patient & { id: string })[] = [
  {
    resourceType: 'Patient',
    id: 'demo-patient-1',
    active: true,
    identifier: [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] }, system: 'urn:csss:patient-id:CSSS-DEMO', value: 'DEMO-1001' }],
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
    identifier: [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] }, system: 'urn:csss:patient-id:CSSS-DEMO', value: 'DEMO-1002' }],
    name: [{ family: 'Okafor', given: ['Daniel'] }],
    gender: 'male',
    birthDate: '1975-09-30',
    telecom: [{ system: 'email', value: 'daniel.okafor@demo.csss.example' }],
  },
];
