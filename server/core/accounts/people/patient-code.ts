/** The code with which a clinic hands somebody a record: who has the paper has been there. */
import type { Patient } from '@medplum/fhirtypes';
import { mustMayGiveOut } from '../../access/restricted.ts';
import { Problem } from '../../problem.ts';
import { drawCode, groupLength, isWrittenCode, typedCode } from '../../written-code.ts';
import type { World, WriteContext } from '../../world.ts';

const groups = 3;
const lifetime = 14 * 24 * 60 * 60;
const mostTries = 5;
const purpose = 'patient code';

/**
 * Makes a code for a patient, which voids an earlier one. It is told once and stored as a keyed digest.
 *
 * @returns the code as it is written on paper: `ABCD-EFGH-JKMN`.
 * @throws Problem `not-found`, also for a record that is kept from who asks; `forbidden` for one that is open in an emergency only;
 * `business-rule` for a record that is not in use any more.
 */
export async function makePatientCode(
  context: WriteContext,
  patientId: string,
): Promise<{ code: string; endsAt: Date }> {
  const { stores, world, principal } = context;
  const patient = (await stores.records.lock('Patient', patientId))?.resource as Patient | undefined;
  await mustMayGiveOut(stores, principal, patientId);
  if (!patient) throw new Problem('not-found', `Patient/${patientId} does not exist.`);
  if (patient.active === false)
    throw new Problem(
      'business-rule',
      'This record is not in use any more: make the code for the one that stands for it.',
    );
  for (let draw = 0; draw < 10; draw++) {
    const code = drawCode(groups);
    const written = code.join('');
    const digest = world.secrets.digest(written, purpose);
    const isNew = await stores.patientCodes.put({
      patientId,
      handle: code[0]!,
      digest,
      madeBy: principal.subject,
      expiresInSeconds: lifetime,
    });
    if (isNew) return { code: code.join('-'), endsAt: new Date(world.now().getTime() + lifetime * 1000) };
  }
  throw new Problem('transient', 'No free code was found: try again.', { retryAfter: 1 });
}

/**
 * Counts a try, in a transaction of its own: a wrong one stays counted.
 *
 * @throws Problem `throttled` after five in an hour.
 */
export async function countCodeTry(world: World, accountId: string): Promise<void> {
  await world.transaction(async ({ patientCodes }) => {
    if ((await patientCodes.tries(accountId)) >= mostTries)
      throw new Problem('throttled', 'Five codes were wrong. Try again in an hour, or ask the clinic.', {
        retryAfter: 3600,
      });
    await patientCodes.noteTry(accountId);
  });
}

/**
 * Uses a code up, in the transaction of what it allows.
 *
 * @param typed as a person types it: small letters, spaces and hyphens do not matter.
 * @returns FHIR id of the patient. @throws Problem `business-rule` for a code that is wrong, old or used.
 */
export async function takePatientCode({ stores, world }: WriteContext, typed: string): Promise<string> {
  const written = typedCode(typed);
  const handle = written.slice(0, groupLength);
  const found = isWrittenCode(written, groups) ? await stores.patientCodes.lock(handle) : undefined;
  if (!found || !world.secrets.isDigest(found.digest, written, purpose))
    throw new Problem('business-rule', 'This code is not right, or it was used, or it is older than 14 days. Ask the clinic for a new one.', { expression: 'code' }); // prettier-ignore
  await stores.patientCodes.remove(handle);
  return found.patientId;
}
