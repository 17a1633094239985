/** A row from its facts, and nothing else: whoever has the same facts has the same row. */
import { own } from '../../table.ts';
import type { ReviewStatus, ReviewStep } from '../../vocabulary/review-codes.ts';
import { isBeforeReading } from '../review.ts';
import { isEnded } from '../task-moves.ts';
import type { Fact, FactOf, KnownFact, ReviewFact, StepFact } from './work-facts.ts';
import { priorities, type WorkFinding, type WorkPriority, type WorkReason, type WorkRow, type WorkStep } from './work-row.ts'; // prettier-ignore

type Step = StepFact & { id: string };

/** Those of people first, in the order in which a review meets them. */
const order: Record<ReviewStep, number> = {
  'physician-verification': 0,
  'report-amendment': 1,
  'pharmacist-review': 2,
  'release-approval': 3,
  'ai-inference': 4,
  'report-delivery': 5,
  'identity-check': 6,
};

const ofPeople = (kind: ReviewStep) => order[kind] < order['ai-inference'];

/** @returns undefined while the coordination Task is not among the facts. */
export function rowOfFacts(review: string, known: readonly KnownFact[]): WorkRow | undefined {
  const facts = new Map(known.map(({ key, fact }) => [key, fact]));
  const get = <Of extends Fact['of']>(key: string | undefined, of: Of): FactOf<Of> | undefined => {
    const fact = key === undefined ? undefined : facts.get(key);
    return fact?.of === of ? (fact as FactOf<Of>) : undefined;
  };
  const head = get(`Task/${review}`, 'review');
  if (!head) return undefined;
  const steps = stepsOf(known);
  const [patient, study, report] = [get(head.patient, 'patient'), get(head.study, 'study'), get(head.report, 'report')];
  const [ai, clinical, concordance] = [head.ai, head.clinical, head.concordance].map((key) => get(key, 'observation'));
  const finding = findingOf(ai, steps);
  const open = steps.filter(({ status }) => !isEnded(status));
  const waiting = open.filter(({ kind }) => ofPeople(kind));
  const reading = lastOf(steps, head.status, 'physician-verification', 'report-amendment');
  const medication = head.medications.flatMap((key) => get(key, 'medication')?.text ?? []).join('\n');
  const isReleased = head.status === 'REPORT_READY';
  const dose = isReleased || head.status === 'PHARMACIST_COMPLETED' ? lastOf(steps, head.status, 'pharmacist-review') : undefined; // prettier-ignore
  const releasedAt = isReleased ? (report?.issuedAt ?? lastOf(steps, head.status, 'release-approval')?.endedAt) : undefined; // prettier-ignore
  const failure = head.status === 'PENDING_AI' ? steps.findLast(({ kind, status }) => kind === 'ai-inference' && status === 'failed') : undefined; // prettier-ignore
  const asked = waiting.find(({ kind }) => kind === 'report-amendment' || kind === 'physician-verification');
  const news = asked?.asks ?? asked?.reason;
  const differs = concordance?.valid && concordance.finding === 'disagree' ? concordance.note : undefined;
  return {
    review,
    status: head.status,
    priority: highest([head.priority, ...waiting.map(({ priority }) => priority)]),
    reasons: reasonsOf(head, { open, waiting, finding, failed: failure !== undefined }),
    scan: head.accession ?? review.slice(-8),
    ...(head.accession !== undefined && { accession: head.accession }),
    patient: { id: idOf(head.patient), name: patient?.name ?? '', ...partsOf(patient, 'recordNumber', 'birthDate', 'gender') }, // prettier-ignore
    study: { id: idOf(head.study), uid: study?.uid ?? '', ...partsOf(study, 'modality', 'bodyPart', 'description'), images: study?.images ?? 0 }, // prettier-ignore
    uploadedAt: head.uploadedAt,
    changedAt: head.changedAt,
    ai: aiStateOf(finding, open, failure !== undefined),
    ...(failure && { aiFailure: failure.reason ?? '' }),
    ...(finding && { finding }),
    ...(clinical?.valid && clinical.conclusion && { conclusion: clinical.conclusion }),
    ...partsOf(report, 'words'),
    ...(medication !== '' && { prescription: medication }),
    ...(head.noMedication && { noMedication: true as const }),
    ...(differs !== undefined && { disagreement: differs }),
    ...(news !== undefined && { news }),
    ...(reading && { verifiedAt: reading.endedAt ?? reading.madeAt }),
    ...(reading?.owner !== undefined && { verifiedBy: reading.owner }),
    ...(dose && { prescribedAt: dose.endedAt ?? dose.madeAt }),
    ...(releasedAt !== undefined && { releasedAt }),
    steps: open.toSorted(byKind).map(shownStep),
    people: [...new Set(steps.flatMap((step) => worker(step) ?? []))],
    waitingSince: waiting.map(({ madeAt }) => madeAt).toSorted()[0] ?? head.uploadedAt,
  };
}

/** Oldest first, as they were made. */
function stepsOf(known: readonly KnownFact[]): Step[] {
  return known
    .flatMap(({ key, fact }) => (fact.of === 'step' ? [{ ...fact, id: idOf(key) }] : []))
    .toSorted((one, other) => compare(one.madeAt, other.madeAt) || compare(one.id, other.id));
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const byKind = (one: Step, other: Step) => order[one.kind] - order[other.kind];

/** The last completed step of these kinds, while what it said holds: not once the doctor has the study again. */
function lastOf(steps: readonly Step[], status: ReviewStatus, ...kinds: ReviewStep[]): Step | undefined {
  if (isBeforeReading(status) || status === 'PENDING_AI') return undefined;
  return steps
    .filter((step) => kinds.includes(step.kind) && step.status === 'completed')
    .toSorted((one, other) => compare(one.endedAt ?? one.madeAt, other.endedAt ?? other.madeAt))
    .at(-1);
}

function findingOf(ai: FactOf<'observation'> | undefined, steps: readonly Step[]): WorkFinding | undefined {
  if (ai?.valid && ai.finding !== undefined) {
    const kind = own(kindsOfAnswers, ai.finding) ?? 'finding';
    const isNumber = kind !== 'unsupported' && ai.probability !== undefined;
    return { label: ai.finding, ...(isNumber && { probability: ai.probability! }), kind };
  }
  const last = steps.findLast(({ kind }) => kind === 'ai-inference');
  return last?.notEligible ? { label: 'not-eligible', kind: 'not-served' } : undefined;
}

const kindsOfAnswers: Readonly<Record<string, WorkFinding['kind']>> = {
  Normal: 'normal',
  Uncertain: 'uncertain',
  Unsupported: 'unsupported',
};

function aiStateOf(finding: WorkFinding | undefined, open: readonly Step[], failed: boolean): WorkRow['ai'] {
  const step = open.find(({ kind }) => kind === 'ai-inference');
  if (step && step.status !== 'requested') return 'running';
  if (finding && finding.kind !== 'not-served') return 'done';
  if (failed) return 'failed';
  return step ? 'waiting' : 'none';
}

function reasonsOf(
  head: ReviewFact,
  {
    open,
    waiting,
    finding,
    failed,
  }: { open: readonly Step[]; waiting: readonly Step[]; finding: WorkFinding | undefined; failed: boolean },
): WorkReason[] {
  const raised = waiting.some(({ priority }) => rank(priority) > rank(head.priority));
  const unread = open.some(({ kind }) => kind === 'physician-verification');
  const reasons: [WorkReason, boolean][] = [
    ['stat-order', head.priority === 'stat'],
    ['urgent-finding', raised],
    ['uncertain', unread && finding?.kind === 'uncertain'],
    ['amendment', waiting.some(({ amends }) => amends)],
    ['new-images', waiting.some(({ newImages }) => newImages)],
    ['analysis-failed', failed],
  ];
  return reasons.filter(([, holds]) => holds).map(([reason]) => reason);
}

const rank = (priority: WorkPriority) => priorities.indexOf(priority);

function highest(all: readonly WorkPriority[]): WorkPriority {
  return all.reduce((one, other) => (rank(other) > rank(one) ? other : one));
}

/** Who holds a step of a person, or has ended it. */
function worker({ kind, status, owner }: Step): string | undefined {
  return ofPeople(kind) && (!isEnded(status) || status === 'completed') ? owner : undefined;
}

function shownStep({ id, kind, status, owner }: Step): WorkStep {
  return { id, kind, status, ...(owner !== undefined && { owner }) };
}

function idOf(key: string | undefined): string {
  return key?.slice(key.indexOf('/') + 1) ?? '';
}

/** Those that are there, in the order of the facts. */
function partsOf<T extends object, K extends keyof T>(from: T | undefined, ...names: K[]): Partial<Pick<T, K>> {
  const wanted = new Set<PropertyKey>(names);
  return Object.fromEntries(Object.entries(from ?? {}).filter(([name]) => wanted.has(name))) as Partial<Pick<T, K>>;
}
