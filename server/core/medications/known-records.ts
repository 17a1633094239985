/** What one record says of an allergy or of medication: whether it counts, and how. */
import type { AllergyIntolerance, CodeableConcept, Dosage, MedicationRequest, MedicationStatement } from '@medplum/fhirtypes'; // prettier-ignore

export interface KnownAllergy {
  /** `none`: somebody recorded that there is none, which is more than that nothing is recorded. */
  kind: 'allergy' | 'none';
  state: 'active' | 'inactive' | 'resolved';
  certainty?: string;
  criticality?: string;
  reactions: string[];
  recordedOn?: string;
  concepts: CodeableConcept[];
}

export interface KnownMedication {
  /** `current` is taken, or may be; `proposed` waits for a release; `ended` is over. */
  state: 'current' | 'proposed' | 'ended';
  status: string;
  dosage?: string;
  since?: string;
}

/** SNOMED CT: no known allergy, drug allergy, food allergy, environmental allergy; HL7 has its own for exporters. */
const noneCodes = new Set(['716186003', '409137002', '429625007', '428607008', '716184000', '716185004', 'no-known-allergies']); // prettier-ignore

const codeOf = (concept: CodeableConcept | undefined): string | undefined =>
  concept?.coding?.find(({ code }) => code !== undefined)?.code ?? concept?.text?.toLowerCase();
const textOf = (concept: CodeableConcept | undefined): string | undefined =>
  concept?.text ?? concept?.coding?.find(({ display }) => display !== undefined)?.display ?? concept?.coding?.[0]?.code;

/** @returns undefined for what is no allergy of the patient: refuted, or entered in error. */
export function allergyOf(one: AllergyIntolerance): KnownAllergy | undefined {
  const certainty = codeOf(one.verificationStatus);
  if (certainty === 'refuted' || certainty === 'entered-in-error') return undefined;
  const clinical = codeOf(one.clinicalStatus);
  const isNone =
    one.code?.coding?.some(({ code }) => noneCodes.has(code ?? '')) ||
    /^\s*(no known|nil known|nkda\b|nka\b)/i.test(textOf(one.code) ?? '');
  const reactions = one.reaction ?? [];
  const recordedOn = one.recordedDate ?? one.meta?.lastUpdated;
  return {
    kind: isNone ? 'none' : 'allergy',
    // Without a word that it is over, it is not.
    state: clinical === 'inactive' || clinical === 'resolved' ? clinical : 'active',
    ...(certainty !== undefined && { certainty }),
    ...(one.criticality !== undefined && { criticality: one.criticality }),
    ...(recordedOn !== undefined && { recordedOn }),
    reactions: reactions.flatMap(({ manifestation = [] }) => manifestation.flatMap((each) => textOf(each) ?? [])),
    concepts: [one.code, ...reactions.map(({ substance }) => substance)].filter((each) => each !== undefined),
  };
}

const ofStatement: Record<string, KnownMedication['state'] | undefined> = {
  active: 'current',
  intended: 'current',
  'on-hold': 'current',
  unknown: 'current',
  completed: 'ended',
  stopped: 'ended',
};
const ofRequest: Record<string, KnownMedication['state'] | undefined> = {
  active: 'current',
  'on-hold': 'current',
  unknown: 'current',
  draft: 'proposed',
  completed: 'ended',
  stopped: 'ended',
  cancelled: undefined,
};

/** @returns undefined for what was never taken: cancelled, entered in error, not taken. */
export function medicationOf(one: MedicationStatement | MedicationRequest, at: Date): KnownMedication | undefined {
  const status = one.status ?? 'unknown';
  const states = new Map(Object.entries(one.resourceType === 'MedicationRequest' ? ofRequest : ofStatement));
  const said = states.get(status);
  if (said === undefined) return undefined;
  if (one.resourceType === 'MedicationRequest' && one.doNotPerform) return undefined;
  const dosages = (one.resourceType === 'MedicationRequest' ? one.dosageInstruction : one.dosage) ?? [];
  const since =
    one.resourceType === 'MedicationRequest'
      ? one.authoredOn
      : (one.effectivePeriod?.start ?? one.effectiveDateTime ?? one.dateAsserted);
  const end = one.resourceType === 'MedicationRequest' ? endOfCourse(dosages, since) : dateOf(one.effectivePeriod?.end);
  const dosage = dosages.flatMap(({ text }) => text ?? []).join('; ');
  return {
    state: said === 'current' && end !== undefined && end < at.getTime() ? 'ended' : said,
    status,
    ...(dosage !== '' && { dosage }),
    ...(since !== undefined && { since }),
  };
}

const days = new Map([['h', 1 / 24], ['d', 1], ['wk', 7], ['mo', 31], ['a', 366]]); // prettier-ignore

/** When the last of its doses is taken, where all of them say how long they go on. */
function endOfCourse(dosages: readonly Dosage[], since: string | undefined): number | undefined {
  const start = dateOf(since);
  if (start === undefined || dosages.length === 0) return undefined;
  const ends = dosages.map(({ timing }) => {
    const { boundsDuration: span, boundsPeriod: period } = timing?.repeat ?? {};
    if (period?.end !== undefined) return dateOf(period.end);
    const length = days.get(span?.code ?? span?.unit ?? '');
    // A course is begun when it is handed out, some days after it was written.
    return span?.value === undefined || length === undefined
      ? undefined
      : start + (span.value * length + 14) * 86_400_000;
  });
  return ends.some((end) => end === undefined) ? undefined : Math.max(...(ends as number[]));
}

/** The last moment that a FHIR date may mean. */
function dateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text).getTime();
  if (Number.isNaN(time)) return undefined;
  const spare = text.length === 4 ? 366 : text.length === 7 ? 31 : text.length === 10 ? 1 : 0;
  return time + spare * 86_400_000;
}
