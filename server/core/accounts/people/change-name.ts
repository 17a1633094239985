import type { HumanName, Patient, Practitioner } from '@medplum/fhirtypes';
import { Problem } from '../../problem.ts';
import { mainName } from '../../r4/human-name.ts';
import { idIn } from '../../r4/pointer.ts';
import { type Kept, put } from '../../records/server-write.ts';
import type { WriteContext } from '../../world.ts';
import { auditAccount } from './account-audit.ts';
import type { Person } from './people-store.ts';
import { cleanName, humanName, writtenName, type PersonName } from './person-name.ts';

/** What stands under a signature beside the name. */
export interface PersonWords {
  name: PersonName;
  qualification?: string;
}

/**
 * Gives an account and the record behind it another name: what stands under a signature is what the account says. A
 * patient whose record the clinic keeps has the name there.
 *
 * @param words.qualification empty takes it away; of staff only.
 * @throws Problem `business-rule` for a patient with a record of the clinic; `required`, `value`.
 */
export async function changeName(context: WriteContext, person: Person, words: PersonWords): Promise<void> {
  const name = cleanName(words.name);
  if (person.role === 'patient') await renamePatient(context, person, name, words);
  else await renamePractitioner(context, person, name, words);
  await context.stores.people.change(person.id, { displayName: writtenName(name) });
  await auditAccount(context, 'account:name', person);
}

async function renamePatient(context: WriteContext, person: Person, name: PersonName, words: PersonWords) {
  if (words.qualification !== undefined)
    throw new Problem('business-rule', 'A patient has no qualification.', { expression: 'qualification' });
  if (person.tied)
    throw new Problem(
      'business-rule',
      'Your name is kept by the clinic, in your record: ask there to have it changed.',
      {
        expression: 'name',
      },
    );
  const id = idIn({ reference: person.fhirUser }, 'Patient');
  const patient = id === undefined ? undefined : ((await context.stores.records.lock('Patient', id))?.resource as Kept<'Patient'> | undefined); // prettier-ignore
  if (patient) await put(context, { ...patient, name: renamed(patient.name, name) } as Kept<'Patient'>);
}

/** Made if it is not there: accounts from before invitations may name none. */
async function renamePractitioner(
  context: WriteContext,
  { fhirUser, email }: Person,
  name: PersonName,
  { qualification }: PersonWords,
): Promise<void> {
  const id = idIn({ reference: fhirUser }, 'Practitioner');
  if (id === undefined) throw new Problem('conflict', 'The account has no Practitioner of its own.');
  const standing = (await context.stores.records.lock('Practitioner', id))?.resource as Practitioner | undefined;
  const practitioner: Practitioner = standing ?? {
    resourceType: 'Practitioner',
    active: true,
    telecom: [{ system: 'email', use: 'work', value: email }],
  };
  const { qualification: was = [], ...rest } = practitioner;
  const qualified = qualification === undefined ? was : qualifiedAs(was, qualification.trim());
  await put(context, {
    ...rest,
    id,
    name: renamed(practitioner.name, name),
    ...(qualified.length > 0 && { qualification: qualified }),
  });
}

/** The words of the first one are changed; further ones, which other systems have written, stay. */
function qualifiedAs(was: NonNullable<Practitioner['qualification']>, text: string) {
  const [first, ...others] = was;
  if (first?.code.text === text) return was;
  return text === '' ? others : [{ code: { text } }, ...others];
}

/** The name that counts is replaced (see `nameOf`); what else a system has written down stays. */
function renamed(names: Patient['name'] = [], name: PersonName): HumanName[] {
  const counts = mainName(names);
  return [humanName(name), ...names.filter((one) => one !== counts)];
}

/** The parts of the name as the record has them, for a form. */
export function namePartsOf(names: readonly HumanName[] | undefined): PersonName | undefined {
  const name = mainName(names);
  if (!name) return undefined;
  const prefix = name.prefix?.join(' ');
  return {
    ...(prefix && { prefix }),
    given: name.given?.join(' ') ?? '',
    family: name.family ?? '',
  };
}
