import type { Account } from '../../core/accounts/account-store.ts';
import type { Principal } from '../../core/principal.ts';
import { finish, signedIn, type InteractionParts, type Step } from './interaction-step.ts';
import { showPage } from '../pages/layout.ts';
import { patientPage } from '../pages/patient-page.ts';

export async function showPatients(
  parts: InteractionParts,
  step: Step,
  text: string | undefined,
  error?: string,
): Promise<void> {
  const account = await signedIn(parts, step);
  const patients = await parts.findPatients(await asReader(parts, account, step), { text: text ?? '' });
  showPage(step.ctx, {
    ...patientPage({
      ...step,
      patients,
      ...(text === undefined ? {} : { text }),
      ...(error === undefined ? {} : { error }),
    }),
    formTargets: step.formTargets,
    status: error === undefined ? 200 : 422,
  });
}

/** Looking for a patient to open an app with is the person's own reading, so it is narrowed and audited as such. */
async function asReader({ world }: InteractionParts, account: Account, step: Step): Promise<Principal> {
  return {
    ...(await world.read(({ restricted }) => restricted.restrictionsOf(account.id))),
    kind: 'user',
    subject: account.id,
    clientId: step.client.clientId,
    role: account.role,
    fhirUser: account.fhirUser,
    scopes: [{ context: 'user', type: 'Patient', permissions: 'rs' }],
  };
}

export async function handleFindPatient(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  await showPatients(parts, step, (form.get('text') ?? '').replaceAll('\0', '').trim().slice(0, 200));
}

export async function handlePatient(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const account = await signedIn(parts, step);
  const wanted = form.get('patient') ?? '';
  const found = /^[A-Za-z0-9.-]{1,64}$/.test(wanted)
    ? await parts.findPatients(await asReader(parts, account, step), { id: wanted })
    : [];
  if (!found.some((patient) => patient.id === wanted))
    return showPatients(parts, step, undefined, step.words('patient.choose'));
  await finish(parts, step, { patient: wanted });
}
