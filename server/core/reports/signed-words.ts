/** What the signed parts of a report say on paper: the reader's word, addenda, changes since the first version, signatures. */
import type { Observation, Practitioner, Reference, Task } from '@medplum/fhirtypes';
import type { CodeableConcept } from '@medplum/fhirtypes';
import { displays } from '../vocabulary/displays.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { own } from '../table.ts';
import type { Reading, Surroundings } from '../world.ts';
import { kindOf } from '../workflow/amendment.ts';
import { confirmsDiscordance, isDiscordant, type SignedWord } from '../workflow/report-parts.ts';
import type { ReadersWord } from '../workflow/readers-word.ts';
import type { Standing } from '../workflow/signature.ts';
import type { ReportToRelease } from '../workflow/signed-report.ts';
import { localTime } from './local-time.ts';
import { found } from './look-up.ts';
import { nameOf } from '../r4/human-name.ts';
import type { ReportContent, Signature, Version, Word } from './report-content.ts';
import { riskLevel } from './risk-level.ts';

type Records = Pick<Reading, 'records'>;
type House = Pick<Surroundings, 'settings'>;

/** The name behind a reference, or what the reference itself says. */
export async function personName(stores: Records, reference: Reference | undefined): Promise<string | undefined> {
  if (reference?.display) return reference.display;
  const practitioner = await found(stores, 'Practitioner', reference);
  if (practitioner) return nameOf((practitioner as Practitioner).name);
  const patient = await found(stores, 'Patient', reference);
  return patient && 'Self-referral';
}

export async function findingsOf(stores: Records, signed: ReportToRelease): Promise<ReportContent['findings']> {
  const { reading, approval } = signed;
  const confirmed = approval !== undefined && isDiscordant(signed) && confirmsDiscordance(approval.step);
  return {
    ...wordOn(reading.word),
    risk: riskLevel(reading.word.conclusion),
    confirmed: confirmed ? await personName(stores, approval.step.owner) : undefined,
  };
}

const agreements: Record<NonNullable<ReadersWord['concordance']>, string> = {
  agree: 'The doctor agrees with the AI result.',
  disagree: 'The doctor differs from the AI result; the doctor’s reading counts.',
};

function wordOn({ text, conclusion, concordance, disagreement }: ReadersWord): Word {
  const written = conclusion && wordsOf(conclusion);
  return {
    // A conclusion in words that are the text itself stands there once.
    conclusion: written === text ? undefined : written,
    notes: text,
    agreement: concordance && agreements[concordance],
    disagreement,
  };
}

function wordsOf({ text, coding }: CodeableConcept): string | undefined {
  const display = coding?.find((one) => one.display !== undefined)?.display;
  return text !== undefined && display !== undefined && text !== display ? `${display}: ${text}` : (text ?? display);
}

export async function addendaOf(
  house: House,
  stores: Records,
  { addenda }: ReportToRelease,
): Promise<ReportContent['addenda']> {
  return Promise.all(
    addenda.map(async (one, place) => ({
      ...wordOn(one.word),
      title: `Addendum ${place + 1}`,
      signature: await signatureOf(house, stores, `Addendum ${place + 1} by`, one),
    })),
  );
}

/** Which version this is, and how it came about. */
export async function versionOf(
  house: House,
  stores: Records,
  { version, amendments }: ReportToRelease,
  earlierIssued: string | undefined,
): Promise<Version> {
  const changes = amendments.map(async (step, place) => ({
    number: place + 2,
    kind: kindNames[kindOf(step)],
    at: endOf(house, step),
    by: (await personName(stores, step.owner)) ?? 'Not named',
    reason: reasonsOf(step),
  }));
  return {
    number: version,
    replaces:
      version === 1
        ? undefined
        : {
            number: version - 1,
            issuedAt: earlierIssued === undefined ? undefined : localTime(house, new Date(earlierIssued)),
          },
    changes: await Promise.all(changes),
  };
}

const kindNames = { addendum: 'Addendum', correction: 'Correction', amendment: 'Amendment' } as const;

function reasonsOf(step: Task): string | undefined {
  const reasons = (step.input ?? [])
    .filter(({ type }) => codeOf(type, systems.reviewData) === 'amendment-reason')
    .map(({ valueString, valueCodeableConcept }) => valueString ?? reasonText(valueCodeableConcept))
    .filter((text) => text !== undefined && text !== '');
  return reasons.length > 0 ? [...new Set(reasons)].join('; ') : undefined;
}

function reasonText(concept: CodeableConcept | undefined): string | undefined {
  return concept?.text ?? own<string>(displays.reason, codeOf(concept, systems.reviewReason) ?? '');
}

/** Who stands for what, with the digest of what each signed; an addendum carries its own signature. */
export async function signaturesOf(
  house: House,
  stores: Records,
  signed: ReportToRelease,
  ai: Observation | undefined,
): Promise<Signature[]> {
  const { reading, pharmacist, approval, addenda } = signed;
  const role = addenda.length > 0 ? 'Reading doctor, of the text above the addenda' : 'Reading doctor';
  const people = [
    signatureOf(house, stores, role, reading),
    ...(pharmacist ? [signatureOf(house, stores, 'Pharmacist', pharmacist)] : []),
    approval ? signatureOf(house, stores, 'Released by', approval) : Promise.resolve(notReleased),
  ];
  const machine: Signature | undefined = ai && {
    role: 'AI system',
    name: ai.method?.text ?? 'Image classifier',
    detail: 'Not a signature: software does not sign.',
    at: ai.issued === undefined ? undefined : localTime(house, new Date(ai.issued)),
    digest: undefined,
    isPerson: false,
  };
  return [...(await Promise.all(people)), ...(machine ? [machine] : [])];
}

const notReleased: Signature = {
  role: 'Released by',
  name: 'Nobody yet',
  detail: 'Preview, not released',
  at: undefined,
  digest: undefined,
  isPerson: true,
};

/** Enough to compare by eye with the Provenance, which holds all of it. */
const digestLength = 16;

async function signatureOf(
  house: House,
  stores: Records,
  role: string,
  { step, digest }: Standing & Pick<SignedWord, 'step'>,
): Promise<Signature> {
  const practitioner = await found(stores, 'Practitioner', step.owner);
  return {
    role,
    name: (await personName(stores, step.owner)) ?? 'Not named',
    detail: qualificationOf(practitioner),
    at: endOf(house, step),
    digest: digest?.slice(0, digestLength),
    isPerson: true,
  };
}

function endOf(house: House, step: Task): string | undefined {
  const at = step.executionPeriod?.end ?? step.lastModified;
  return at === undefined ? undefined : localTime(house, new Date(at));
}

function qualificationOf(practitioner: Practitioner | undefined): string | undefined {
  return (
    practitioner?.qualification
      ?.map(({ code }) => code.text ?? code.coding?.[0]?.display)
      .filter(Boolean)
      .join(', ') || undefined
  );
}
