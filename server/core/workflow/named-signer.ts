import type { Practitioner } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { nameOf } from '../r4/human-name.ts';
import { idIn } from '../r4/pointer.ts';
import type { WriteContext } from '../world.ts';

/**
 * Nobody signs without a name: what is signed is printed with it, and a reader has to know who answers for it.
 *
 * @throws Problem `business-rule` that says who has to do what.
 */
export async function mustBeNamed({ principal, stores }: Pick<WriteContext, 'principal' | 'stores'>): Promise<void> {
  if (principal.kind !== 'user') return;
  const id = idIn({ reference: principal.fhirUser ?? '' }, 'Practitioner');
  const record = id === undefined ? undefined : await stores.records.read('Practitioner', id, everything);
  const name = nameOf((record?.resource as Practitioner | undefined)?.name);
  if (name === undefined || name.trim() === '')
    throw new Problem(
      'business-rule',
      `Your name is missing (${principal.fhirUser ?? 'no Practitioner'}), and it stands under what you sign. Enter it under "My account", or ask an administrator to enter it under "Users", and then sign.`,
      { expression: 'Practitioner.name' },
    );
}
