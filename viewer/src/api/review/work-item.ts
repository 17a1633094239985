/** One review as pages show it: the coordination Task with everything that it points to. */
import type {
  CodeableConcept,
  DiagnosticReport,
  DocumentReference,
  ImagingStudy,
  MedicationRequest,
  Observation,
  Patient,
  Reference,
  Resource,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import { follow, refersTo } from '../bundle.ts';
import { inOrder } from '../formatting.ts';
import { aiResultFrom, type AiResult } from './ai-result.ts';
import {
  dicomUidSystem,
  isReviewStatus,
  reviewDataSystem,
  reviewReasonSystem,
  reviewStatusSystem,
  reviewSteps,
  reviewStepSystem,
  type ReviewStatus,
  type ReviewStep,
} from './codes.ts';

export interface WorkItem {
  /** The coordination Task. */
  task: Task;
  status: ReviewStatus | undefined;
  /** What people call this scan: the accession number where there is one. */
  scanId: string;
  patient: Patient | undefined;
  request: ServiceRequest | undefined;
  study: ImagingStudy | undefined;
  report: DiagnosticReport | undefined;
  document: DocumentReference | undefined;
  ai: AiResult | undefined;
  /** `agree`, `partly` or `disagree`: the reader's view of the AI result. */
  concordance: string | undefined;
  /** Why the reader differs from the AI, in the reader's words. */
  disagreement: string | undefined;
  /** The reader's own conclusion: a code of a list, or words. The AI's label never stands in for it. */
  conclusion: Conclusion | undefined;
  medications: MedicationRequest[];
  steps: Task[];
}

export interface Conclusion {
  code: string | undefined;
  /** The reader's words, or what the code says. */
  text: string;
}

export function isReview(task: Task): boolean {
  return codeIn(task.businessStatus?.coding, reviewStatusSystem) !== undefined;
}

export function workItemFrom(task: Task, known: readonly Resource[]): WorkItem {
  const output = <T extends Resource>(code: string, type: T['resourceType']): T[] =>
    (task.output ?? [])
      .filter((data) => codeIn(data.type.coding, reviewDataSystem) === code)
      .map((data) => follow<T>(known, type, data.valueReference))
      .filter((found): found is T => found !== undefined);
  const study = task.input?.find((data) => codeIn(data.type.coding, reviewDataSystem) === 'study');
  const ai = output<Observation>('ai-finding', 'Observation').at(-1);
  const status = codeIn(task.businessStatus?.coding, reviewStatusSystem);
  const concordance = output<Observation>('concordance', 'Observation').at(-1);
  return {
    task,
    status: isReviewStatus(status) ? status : undefined,
    scanId: task.groupIdentifier?.value ?? (task.id ?? '').slice(-8),
    patient: follow<Patient>(known, 'Patient', task.for),
    request: follow<ServiceRequest>(known, 'ServiceRequest', task.focus),
    study: follow<ImagingStudy>(known, 'ImagingStudy', study?.valueReference),
    report: output<DiagnosticReport>('report', 'DiagnosticReport').at(-1),
    document: output<DocumentReference>('document', 'DocumentReference').at(-1),
    ai: ai && aiResultFrom(ai),
    concordance: concordance?.valueCodeableConcept?.coding?.[0]?.code,
    disagreement: concordance?.note?.map((note) => note.text).join('\n') || undefined,
    conclusion: conclusionFrom(output<Observation>('clinical-finding', 'Observation').at(-1)?.valueCodeableConcept),
    medications: output<MedicationRequest>('medication', 'MedicationRequest'),
    steps: known.filter(
      (resource): resource is Task =>
        resource.resourceType === 'Task' && (resource.partOf ?? []).some((of) => refersTo(of, task)),
    ),
  };
}

/** What a review points to and a search of Tasks does not include: `Type` -> ids. */
export function referencesOf(tasks: readonly Task[]): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const task of tasks) {
    for (const data of [...(task.input ?? []), ...(task.output ?? [])]) {
      const [type, id] = data.valueReference?.reference?.split('/') ?? [];
      if (!type || !id) continue;
      wanted.set(type, (wanted.get(type) ?? new Set()).add(id));
    }
  }
  return wanted;
}

const over = new Set(['completed', 'failed', 'cancelled', 'rejected', 'entered-in-error']);

export function isOver(task: Task): boolean {
  return over.has(task.status);
}

/** The step of that kind which somebody may act on now. */
export function openStep(item: WorkItem, step: ReviewStep): Task | undefined {
  return stepsOf(item, step).find((task) => !isOver(task));
}

/** The newest step of that kind, whatever became of it. */
export function lastStep(item: WorkItem, step: ReviewStep): Task | undefined {
  return stepsOf(item, step)[0];
}

function stepsOf(item: WorkItem, step: ReviewStep): Task[] {
  return item.steps
    .filter((task) => codeIn(task.code?.coding, reviewStepSystem) === step)
    .sort((a, b) => (b.authoredOn ?? '').localeCompare(a.authoredOn ?? ''));
}

export function aiIsRunning(item: WorkItem): boolean {
  const step = openStep(item, reviewSteps.inference);
  return step?.status === 'accepted' || step?.status === 'in-progress';
}

/** Why the last analysis ended without a result; undefined when it did not fail. */
export function aiFailure(item: WorkItem): string | undefined {
  const failed = stepsOf(item, reviewSteps.inference).find((task) => task.status === 'failed');
  if (!failed || item.status !== 'PENDING_AI') return undefined;
  return (
    failed.statusReason?.text ??
    failed.statusReason?.coding?.[0]?.display ??
    failed.statusReason?.coding?.[0]?.code ??
    ''
  );
}

export function conclusionFrom(concept: CodeableConcept | undefined): Conclusion | undefined {
  const [coding] = concept?.coding ?? [];
  const text = concept?.text ?? coding?.display ?? coding?.code;
  return text === undefined ? undefined : { code: coding?.code, text };
}

/** The state of the study that a step was told of when images came or went; undefined when nothing did. */
export function imageUpdateOf(step: Task): Reference | undefined {
  return step.input?.findLast((data) => codeIn(data.type.coding, reviewDataSystem) === 'image-update')?.valueReference;
}

/** Kind of the amendment that a step is about: `addendum`, `correction` or `amendment`. */
export function amendmentKindOf(step: Task | undefined): string | undefined {
  const kind = step?.input?.find((data) => codeIn(data.type.coding, reviewDataSystem) === 'amendment-kind');
  return codeIn(kind?.valueCodeableConcept?.coding, reviewDataSystem);
}

/** What a step says of the images that came or went: how many, in the server's words. */
export function imageNewsOf(step: Task): string | undefined {
  const told = (step.input ?? [])
    .filter((data) => codeIn(data.type.coding, reviewDataSystem) === 'amendment-reason')
    .map((data) => data.valueCodeableConcept);
  const news = [step.statusReason, ...told].filter((concept) =>
    ['new-images', 'images-removed'].includes(codeIn(concept?.coding, reviewReasonSystem) ?? ''),
  );
  return [...new Set(news.flatMap((concept) => concept?.text ?? []))].join('\n') || undefined;
}

/** Why a doctor is asked for a reading again, or for an amendment: in the words of who asks. */
export function readingNewsOf(item: WorkItem): string | undefined {
  const amendment = openStep(item, reviewSteps.amendment);
  if (amendment) return wordsOfAmendment(amendment).reason;
  const reading = openStep(item, reviewSteps.verification);
  return reading && inOrder(reading.statusReason?.text ?? reading.statusReason?.coding?.[0]?.display);
}

/** The amendment that a step of pharmacist or administrator brings on its way; its words are in it and nowhere else yet. */
export function amendmentBehind(item: WorkItem, step: Task): Task | undefined {
  const by = step.input?.findLast((data) => codeIn(data.type.coding, reviewDataSystem) === 'amended-by');
  return item.steps.find((one) => by !== undefined && refersTo(by.valueReference, one));
}

export interface AmendmentWords {
  kind: string | undefined;
  reason: string | undefined;
  conclusion: Conclusion | undefined;
  disagreement: string | undefined;
  text: string | undefined;
}

/** What an amendment that is not released yet says, and why there is one. */
export function wordsOfAmendment(step: Task): AmendmentWords {
  const outputs = (code: string) =>
    (step.output ?? []).filter((data) => codeIn(data.type.coding, reviewDataSystem) === code);
  const reasons = (step.input ?? [])
    .filter((data) => codeIn(data.type.coding, reviewDataSystem) === 'amendment-reason')
    .map(({ valueCodeableConcept: concept }) => concept?.text ?? concept?.coding?.[0]?.display ?? '');
  return {
    kind: amendmentKindOf(step),
    reason: inOrder(reasons.filter((reason) => reason !== '').join('\n')) || undefined,
    conclusion: conclusionFrom(outputs('conclusion').at(-1)?.valueCodeableConcept),
    disagreement: differsByItself(step) ? inOrder(outputs('disagreement').at(-1)?.valueString) : undefined,
    text: inOrder(step.note?.map((note) => note.text ?? '').join('\n\n')),
  };
}

function differsByItself(step: Task): boolean {
  const stated = step.output?.findLast((data) => codeIn(data.type.coding, reviewDataSystem) === 'concordance');
  return stated?.valueCodeableConcept?.coding?.[0]?.code === 'disagree';
}

/** Whether reader and AI differ somewhere in what a release gives out: the server wants that confirmed. */
export function isDiscordant(item: WorkItem, amendment: Task | undefined): boolean {
  const addenda = stepsOf(item, reviewSteps.amendment).filter(
    (step) => step.status === 'completed' && amendmentKindOf(step) === 'addendum',
  );
  const replaced = amendment !== undefined && amendmentKindOf(amendment) !== 'addendum';
  return (
    (!replaced && item.concordance === 'disagree') ||
    [...addenda, ...(amendment ? [amendment] : [])].some((step) => differsByItself(step))
  );
}

/** Why the AI was not asked, where no image of the study is one that it is for. */
export function notEligible(item: WorkItem): string | undefined {
  const skipped = stepsOf(item, reviewSteps.inference).find(
    (task) => task.status === 'cancelled' && codeIn(task.statusReason?.coding, reviewReasonSystem) === 'not-eligible',
  );
  return skipped && (skipped.statusReason?.text ?? skipped.statusReason?.coding?.[0]?.display ?? '');
}

/** What doctors and administrators may do to a whole review in its present state. */
export function correctionsOf(review: {
  status: ReviewStatus | undefined;
  hasStudy: boolean;
}): ('move' | 'cancel' | 'retract')[] {
  const { status, hasStudy } = review;
  if (status === undefined || status === 'RETRACTED') return [];
  const isRunning = !['REPORT_READY', 'REJECTED', 'CANCELLED'].includes(status);
  return [
    ...(hasStudy ? (['move'] as const) : []),
    ...(isRunning ? (['cancel'] as const) : []),
    ...(status === 'REPORT_READY' ? (['retract'] as const) : []),
  ];
}

/** The notes that a step's people wrote, oldest first. */
export function notesOf(item: WorkItem, step: ReviewStep): string | undefined {
  const done = stepsOf(item, step).find((task) => task.status === 'completed');
  return inOrder(done?.note?.map((note) => note.text ?? '').join('\n\n'));
}

/** What the doctor wrote, or the report says. */
export function doctorsWordsOf(item: WorkItem): string | undefined {
  return inOrder(item.report?.conclusion) ?? notesOf(item, reviewSteps.verification);
}

export function studyUidOf(study: ImagingStudy | undefined): string | undefined {
  return study?.identifier?.find((identifier) => identifier.system === dicomUidSystem)?.value?.replace(/^urn:oid:/, '');
}

function codeIn(
  codings: readonly { system?: string; code?: string }[] | undefined,
  system: string,
): string | undefined {
  return codings?.find((coding) => coding.system === system)?.code;
}
