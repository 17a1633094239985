/** One review as pages show it: the coordination Task with everything that it points to. */
import type {
  DiagnosticReport,
  DocumentReference,
  ImagingStudy,
  MedicationRequest,
  Observation,
  Patient,
  Resource,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import { follow, refersTo } from '../bundle.ts';
import { inOrder } from '../formatting.ts';
import { aiResultFrom, findingCode, type AiResult } from './ai-result.ts';
import {
  dicomUidSystem,
  isReviewStatus,
  reviewDataSystem,
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
  /** The reader's own coded finding. */
  conclusion: string | undefined;
  medications: MedicationRequest[];
  steps: Task[];
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
    concordance: output<Observation>('concordance', 'Observation').at(-1)?.valueCodeableConcept?.coding?.[0]?.code,
    conclusion: findingCode(output<Observation>('clinical-finding', 'Observation').at(-1)?.valueCodeableConcept),
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

/** The step of that kind which somebody may act on now. */
export function openStep(item: WorkItem, step: ReviewStep): Task | undefined {
  return stepsOf(item, step).find((task) => !over.has(task.status));
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

/** What stands in lists as the diagnosis: the reader's conclusion, before it the AI's label. */
export function findingOf(item: WorkItem): string | undefined {
  return item.conclusion ?? item.ai?.label;
}

/** The notes that a step's people wrote, oldest first. */
export function notesOf(item: WorkItem, step: ReviewStep): string | undefined {
  const done = stepsOf(item, step).find((task) => task.status === 'completed');
  return inOrder(done?.note?.map((note) => note.text ?? '').join('\n\n'));
}

/** What the doctor wrote, or the report says. */
export function doctorsWordsOf(item: WorkItem): string | undefined {
  return notesOf(item, reviewSteps.verification) ?? inOrder(item.report?.conclusion);
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
