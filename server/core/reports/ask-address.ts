/** Before health data goes to an address by mail its person confirms it (`REPORT_MAIL=verified`). */
import type { Patient } from '@medplum/fhirtypes';
import { countWrongAnswer, makeLink, readLink, takeLink } from '../accounts/one-time-link.ts';
import { deliveryOf, jobOf } from '../deliveries/owe-delivery.ts';
import { postMail } from '../deliveries/post-mail.ts';
import { Problem } from '../problem.ts';
import type { Reading, Stores, WriteContext } from '../world.ts';
import { found } from './look-up.ts';

const week = 7 * 24 * 3600;
/** Whoever does not answer three times will not. */
export const mostNotices = 3;
export const noticeSeconds = week;

/**
 * Asks whoever reads this address to confirm it. The mail says that a document waits, and nothing of whom or what it is
 * about: it may be read by somebody else.
 */
export async function askAddress(
  { stores, world }: Pick<WriteContext, 'stores' | 'world'>,
  asked: { address: string; patient: string; step: string },
): Promise<void> {
  const { address, patient, step } = asked;
  const { organizationName, publicUrl } = world.settings;
  const { word } = await makeLink(stores, { purpose: 'confirm-address', data: { address, patient, step } });
  await postMail(stores, world.secrets, {
    kind: 'notice',
    to: address,
    subject: `Please confirm your e-mail address for ${organizationName}`,
    text: [
      'Hello,',
      `a document from ${organizationName} waits for you. Before we send it to this address, please confirm that the address is yours:`,
      `${publicUrl}/account/confirm-address/${word}`,
      `The link works for two weeks. If you have an account, you can also read the document after signing in at ${publicUrl}.`,
      'If you do not expect anything from us, somebody gave us this address by mistake: please ignore this message.',
    ].join('\n\n'),
    subjectOf: step,
    usefulSeconds: week,
  });
}

export interface AddressQuestion {
  address: string;
  /** The answer has to be the date of birth in the patient's record; without one there the link is enough. */
  asksBirthDate: boolean;
}

/** What the page behind the link asks; undefined if the link is unknown, over or used. */
export async function addressQuestion(
  stores: Pick<Reading, 'links' | 'records'>,
  word: string,
): Promise<AddressQuestion | undefined> {
  const link = await readLink(stores.links, word);
  if (link?.purpose !== 'confirm-address') return undefined;
  const patient = await patientOf(stores, link.data['patient']);
  return { address: link.data['address'] ?? '', asksBirthDate: hasBirthDate(patient) };
}

/**
 * The address is confirmed, and what waits for that goes out. The link alone would let a stranger with a mistyped
 * address have somebody's report; the date of birth is what a stranger does not know. Five wrong ones end the link.
 *
 * @returns the patient (`Patient/id`), or why it is not confirmed.
 */
export async function confirmAddress(
  stores: Pick<Stores, 'links' | 'records' | 'addresses' | 'deliveries' | 'jobs'>,
  word: string,
  birthDate: string,
  now: Date,
): Promise<{ patient: string } | 'no-link' | 'wrong'> {
  const question = await addressQuestion(stores, word);
  const link = question && (await readLink(stores.links, word));
  if (!link) return 'no-link';
  const { patient: reference = '', address = '', step = '' } = link.data;
  const patient = await patientOf(stores, reference);
  if (hasBirthDate(patient) && patient.birthDate !== birthDate.trim())
    return (await countWrongAnswer(stores.links, word, now)) ? 'wrong' : 'no-link';
  if (!(await takeLink(stores.links, word))) return 'no-link';
  await stores.addresses.confirm(address, reference);
  const waiting = await stores.deliveries.byId(deliveryOf(step));
  if (waiting?.state === 'waiting') await stores.jobs.enqueue(jobOf(waiting));
  return { patient: reference };
}

/** The record may have been merged or taken away since: then nobody can say whose address it is. */
async function patientOf(stores: Pick<Reading, 'records'>, reference: string | undefined): Promise<Patient> {
  const patient = await found(stores, 'Patient', { reference: reference ?? '' });
  if (!patient) throw new Problem('not-found', 'The record that this link is about is not there any more.');
  return patient;
}

function hasBirthDate({ birthDate }: Patient): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(birthDate ?? '');
}
