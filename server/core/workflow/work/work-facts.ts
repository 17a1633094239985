/**
 * What a list of work needs of each record that a review is told from: small, and a function of that record alone, so that
 * a change of one record is no reason to read the others (an ImagingStudy of thousands of images above all).
 */
import type {
  DiagnosticReport,
  ImagingStudy,
  MedicationRequest,
  Observation,
  Patient,
  Resource,
  Task,
} from '@medplum/fhirtypes';
import { nameOf, writtenName } from '../../r4/human-name.ts';
import { pointer } from '../../r4/pointer.ts';
import { recordNumberOf, recordNumbersOf } from '../../vocabulary/record-number.ts';
import { referenceKey } from '../../r4/reference-key.ts';
import { type ReviewStatus, type ReviewStep, statusOf, stepOf } from '../../vocabulary/review-codes.ts';
import { scanClasses } from '../../vocabulary/scan-findings.ts';
import { codeOf, hasCode, systems } from '../../vocabulary/systems.ts';
import { classMeantBy, isConclusionSystem } from '../../vocabulary/conclusions.ts';
import { inputOf, inputsOf, outputOf, outputsOf } from '../review-tasks.ts';
import type { TaskStatus } from '../task-moves.ts';
import { type WorkConclusion, type WorkPriority, priorities } from './work-row.ts';

export interface ReviewFact {
  of: 'review';
  status: ReviewStatus;
  priority: WorkPriority;
  accession?: string;
  uploadedAt: string;
  changedAt: string;
  noMedication?: true;
  /** Keys of the records that it names (`Patient/1`): one of each, and the medication in its order. */
  patient?: string;
  study?: string;
  report?: string;
  ai?: string;
  clinical?: string;
  concordance?: string;
  medications: string[];
}

export interface StepFact {
  of: 'step';
  kind: ReviewStep;
  status: TaskStatus;
  priority: WorkPriority;
  owner?: string;
  madeAt: string;
  endedAt?: string;
  /** Why it ended, or, while it is open, why it is asked again; in words. */
  reason?: string;
  /** Why a released report is to be amended. */
  asks?: string;
  notEligible?: true;
  newImages?: true;
  /** Part of bringing an amendment of a released report on its way. */
  amends?: true;
}

interface PatientFact {
  of: 'patient';
  name?: string;
  recordNumber?: string;
  /** Other names and former numbers: a person is found by them too. */
  otherwise?: string[];
  birthDate?: string;
  gender?: string;
}

interface StudyFact {
  of: 'study';
  uid: string;
  modality?: string;
  bodyPart?: string;
  description?: string;
  images: number;
}

export interface ObservationFact {
  of: 'observation';
  valid: boolean;
  /** Code of a scan finding. */
  finding?: string;
  /** The most probable class. */
  probability?: number;
  conclusion?: WorkConclusion;
  note?: string;
}

interface ReportFact {
  of: 'report';
  status: string;
  words?: string;
  issuedAt?: string;
}

interface MedicationFact {
  of: 'medication';
  text?: string;
}

export type Fact = ReviewFact | StepFact | PatientFact | StudyFact | ObservationFact | ReportFact | MedicationFact;
export type FactOf<Of extends Fact['of']> = Extract<Fact, { of: Of }>;

/**
 * Of the facts, and of what is computed from them for columns. Raise it with every change of either: rows that another
 * number has made are made anew by the next start, and by whatever changes their review before.
 */
export const factsShape = 3;

/** A fact, and the version of the record that says so. */
export interface KnownFact {
  /** `Type/id`. */
  key: string;
  version: number;
  fact: Fact;
}

/** Types of records that reviews are told from. */
export const tellingTypes: ReadonlySet<string> = new Set([
  'Task',
  'Patient',
  'ImagingStudy',
  'Observation',
  'DiagnosticReport',
  'MedicationRequest',
]);

const longestWords = 500;

/** @returns undefined for a record that no list of work tells. */
export function factOf(resource: Resource, baseUrl: string): Fact | undefined {
  switch (resource.resourceType) {
    case 'Task':
      return statusOf(resource.businessStatus) ? reviewFact(resource, baseUrl) : stepFact(resource);
    case 'Patient':
      return patientFact(resource);
    case 'ImagingStudy':
      return studyFact(resource);
    case 'Observation':
      return observationFact(resource);
    case 'DiagnosticReport':
      return reportFact(resource);
    case 'MedicationRequest':
      return medicationFact(resource);
    default:
      return undefined;
  }
}

/** The review that a Task is the coordination of, or a step of; undefined for Tasks of no review. */
export function reviewIdOfTask(task: Task, baseUrl: string): string | undefined {
  if (statusOf(task.businessStatus)) return task.id;
  if (!stepOf(task.code)) return undefined;
  const { type, id } = referenceKey(task.partOf?.[0]?.reference ?? '', baseUrl);
  return type === 'Task' ? id : undefined;
}

/** Keys of the records that a coordination Task names. */
export function namedBy(head: Fact | undefined): string[] {
  if (head?.of !== 'review') return [];
  const { patient, study, report, ai, clinical, concordance, medications } = head;
  return [patient, study, report, ai, clinical, concordance].flatMap((key) => key ?? []).concat(medications);
}

function reviewFact(task: Task, baseUrl: string): ReviewFact {
  const key = (reference: string | undefined) => {
    const { type, id } = referenceKey(reference ?? '', baseUrl);
    return type === '' ? undefined : `${type}/${id}`;
  };
  const accession = task.groupIdentifier?.value;
  const medication = outputsOf(task, 'medication');
  const named = {
    patient: key(task.for?.reference),
    study: key(inputOf(task, 'study')?.reference),
    report: key(outputOf(task, 'report')?.reference),
    ai: key(outputOf(task, 'ai-finding')?.reference),
    clinical: key(outputOf(task, 'clinical-finding')?.reference),
    concordance: key(outputOf(task, 'concordance')?.reference),
  };
  const made = task.authoredOn ?? task.meta?.lastUpdated ?? '';
  return {
    of: 'review',
    status: statusOf(task.businessStatus)!,
    priority: priorityOf(task),
    ...(accession !== undefined && { accession }),
    uploadedAt: made,
    changedAt: task.lastModified ?? made,
    ...(medication.some(({ valueCodeableConcept: said }) => codeOf(said, systems.reviewData) === 'none-needed') && {
      noMedication: true as const,
    }),
    ...withoutGaps(named),
    medications: medication.flatMap((item) => key(pointer(item.valueReference)?.reference) ?? []),
  };
}

function stepFact(task: Task): StepFact | undefined {
  const kind = stepOf(task.code);
  if (!kind) return undefined;
  const { statusReason } = task;
  const owner = task.owner?.reference;
  const endedAt = task.executionPeriod?.end;
  const reason = statusReason?.text ?? statusReason?.coding?.[0]?.display ?? statusReason?.coding?.[0]?.code;
  const why = [statusReason, ...inputsOf(task, 'amendment-reason').map((item) => item.valueCodeableConcept)];
  const asks = why
    .slice(1)
    .flatMap((one) => one?.text ?? one?.coding?.[0]?.display ?? [])
    .join('\n');
  const newImages = why.some((one) => hasCode(one, systems.reviewReason, 'new-images', 'images-removed'));
  return {
    of: 'step',
    kind,
    status: task.status as TaskStatus,
    priority: priorityOf(task),
    ...(owner !== undefined && { owner }),
    madeAt: task.authoredOn ?? task.meta?.lastUpdated ?? '',
    ...(endedAt !== undefined && { endedAt }),
    ...(reason !== undefined && { reason: reason.slice(0, longestWords) }),
    ...(asks !== '' && { asks: asks.slice(0, longestWords) }),
    ...(hasCode(statusReason, systems.reviewReason, 'not-eligible') && { notEligible: true as const }),
    ...((newImages || inputsOf(task, 'image-update').length > 0) && { newImages: true as const }),
    ...((kind === 'report-amendment' || inputsOf(task, 'amended-by').length > 0) && { amends: true as const }),
  };
}

function priorityOf({ priority }: Task): WorkPriority {
  return priorities.find((known) => known === priority) ?? 'routine';
}

/** Of a record that was merged many times. */
const mostOtherwise = 10;

function patientFact(patient: Patient): PatientFact {
  const { birthDate, gender } = patient;
  const [name, recordNumber] = [nameOf(patient.name), recordNumberOf(patient.identifier)];
  const known = [
    ...(patient.name ?? []).flatMap((one) => writtenName(one) ?? []),
    ...recordNumbersOf(patient.identifier),
  ];
  const otherwise = [...new Set(known)].filter((one) => one !== name && one !== recordNumber).slice(0, mostOtherwise);
  return {
    of: 'patient',
    ...withoutGaps({ name, recordNumber, birthDate, gender }),
    ...(otherwise.length > 0 && { otherwise }),
  };
}

function studyFact(study: ImagingStudy): StudyFact {
  const uid = study.identifier?.find(({ system }) => system === systems.studyUid)?.value ?? '';
  const codes = (study.modality ?? []).flatMap(({ code }) => code ?? []);
  const parts = (study.series ?? []).flatMap(({ bodySite }) => bodySite?.display ?? bodySite?.code ?? []);
  return {
    of: 'study',
    uid: uid.replace(/^urn:oid:/, ''),
    ...withoutGaps({
      modality: joined(codes, ' '),
      bodyPart: joined(parts.slice(0, 50), ', ')?.slice(0, 200),
      description: study.description,
    }),
    images: study.numberOfInstances ?? 0,
  };
}

function observationFact(observation: Observation): ObservationFact {
  const said = observation.valueCodeableConcept;
  const isClass = (code: string | undefined) => scanClasses.some((known) => known === code);
  const most = (observation.component ?? [])
    .filter(({ code }) => isClass(codeOf(code, systems.scanFinding)))
    .flatMap(({ valueQuantity }) => valueQuantity?.value ?? []);
  const conclusion = conclusionFrom(said);
  const note = (observation.note ?? []).map(({ text }) => text ?? '').join('\n').slice(0, longestWords); // prettier-ignore
  return {
    of: 'observation',
    valid: observation.status !== 'cancelled' && observation.status !== 'entered-in-error',
    ...withoutGaps({ finding: codeOf(said, systems.scanFinding) }),
    ...(most.length > 0 && { probability: Math.max(...most) }),
    ...(conclusion && { conclusion }),
    ...(note !== '' && { note }),
  };
}

function conclusionFrom(said: Observation['valueCodeableConcept']): WorkConclusion | undefined {
  const coding = said?.coding?.find(isConclusionSystem) ?? said?.coding?.[0];
  const text = said?.text ?? coding?.display ?? coding?.code;
  if (text === undefined) return undefined;
  const code = said?.coding?.find(isConclusionSystem)?.code;
  const kind = code === undefined || code === 'not-diagnostic' ? 'other' : classMeantBy(said) === 'Normal' ? 'normal' : 'abnormal'; // prettier-ignore
  return { ...(code !== undefined && { code }), text: text.slice(0, longestWords), kind };
}

function reportFact({ status, conclusion, issued }: DiagnosticReport): ReportFact {
  return { of: 'report', status, ...withoutGaps({ words: conclusion?.slice(0, longestWords), issuedAt: issued }) };
}

function medicationFact({ medicationCodeableConcept: what, dosageInstruction }: MedicationRequest): MedicationFact {
  const name = what?.text ?? what?.coding?.[0]?.display ?? what?.coding?.[0]?.code;
  const dosage = (dosageInstruction ?? []).flatMap(({ text }) => text ?? []).join('; ');
  const text = [name ?? '', dosage].filter((part) => part !== '').join(': ');
  return { of: 'medication', ...(text !== '' && { text: text.slice(0, longestWords) }) };
}

function joined(values: readonly string[], separator: string): string | undefined {
  const text = [...new Set(values)].join(separator);
  return text === '' ? undefined : text;
}

type Filled<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Without what is undefined. */
function withoutGaps<T extends object>(values: T): Filled<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Filled<T>;
}
