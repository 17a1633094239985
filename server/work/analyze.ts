import type { Task } from '@medplum/fhirtypes';
import { inOneTransaction } from '../core/records/write.ts';
import { everything } from '../core/access/narrowing.ts';
import { analysisRow, runOf } from '../core/analysis/analysis-row.ts';
import { type Analysis, analyzeImages, type StudyAnalysis } from '../core/analysis/analyze-study.ts';
import {
  classificationObservation,
  heatMap,
  modelDevice,
  modelDeviceId,
  type Subject,
} from '../core/analysis/findings.ts';
import { studyUid } from '../core/analysis/image-of-result.ts';
import type { ModelDescription } from '../core/analysis/model-description.ts';
import type { Classifier } from '../core/analysis/classifier.ts';
import type { TakenJob } from '../core/jobs.ts';
import type { World, WriteContext } from '../core/world.ts';
import { systemPrincipal } from '../core/principal.ts';
import { Problem, type ProblemCode } from '../core/problem.ts';
import {
  completeAnalysis,
  failAnalysis,
  isStillTaken,
  leaseSeconds,
  type Priority,
  stillTaken,
  takeAnalysis,
} from '../core/workflow/analysis-step.ts';
import type { ReviewReason } from '../core/vocabulary/review-codes.ts';
import { systems } from '../core/vocabulary/systems.ts';
import { idIn, type Pointer, pointer, referenceTo } from '../core/r4/pointer.ts';
import { displays } from '../core/vocabulary/displays.ts';
import { namedImages } from '../core/workflow/images-of-step.ts';
import { inputOf } from '../core/workflow/review-tasks.ts';
import { searchOwn } from '../core/records/own-search.ts';
import { create, type Kept, put } from '../core/records/server-write.ts';

const analyst = { principal: systemPrincipal('analysis') };

/** How soon a cancelled step gives its place in the line to another. */
const lookEveryMs = 1_000;

/**
 * Runs the analysis that an `ai-inference` Task asks for: a short transaction takes the Task, the work runs
 * outside any, a second one writes everything or nothing. A second delivery of the job, a Task cancelled
 * meanwhile, a worker that was given up for dead: each finds the Task in another version and writes nothing. A Task
 * that is cancelled while its image waits for the model gives up its place.
 *
 * @param job data.task: id of the Task
 * @throws Problem `transient` for another try, until the last; `timeout`, `exception` (the model's process hung or was
 * lost) for one more. What cannot succeed by trying again fails the Task at once with a coded reason.
 */
export async function analyze(world: World, job: TakenJob): Promise<void> {
  const held = world.classifier.hold();
  try {
    await analyzeWith(held, world, job);
  } finally {
    held.release();
  }
}

/** @param classifier held until the end: the result is of the model that the Task was taken with. */
async function analyzeWith(classifier: Classifier, world: World, job: TakenJob): Promise<void> {
  const state = classifier.state();
  // Switched off on purpose: the Task keeps its place, and `wakeAnalyses` owes the job again.
  if (!state.ready && state.switchedOff && !(await hasActiveModel(world))) return;
  if (!state.ready) {
    if (!job.final) throw new Problem('transient', 'The classifier is not ready.'); // in another process it may be
    if (await isNotBegun(world, job)) return; // it waits like that, too
  }
  const taken = await inOneTransaction(world, analyst, async (context) => {
    const device = state.model && (await keepDevice(context, state.model, state.ready ? state.provider : 'none'));
    return takeAnalysis(context, String(job.data['task']), device);
  });
  if (!taken) return;

  let analysis: StudyAnalysis;
  const hold = holdOf(world, taken);
  try {
    const images = { StudyInstanceUID: await studyUidOf(world, taken), SOPInstanceUIDs: namedImages(taken) };
    const turn = { priority: job.priority ?? 0, signal: hold.signal };
    analysis = await analyzeImages(world, images, classifier, turn, (error) => isWorthAnotherTry(error, job));
  } catch (error) {
    if (hold.signal.aborted) return;
    if (isWorthAnotherTry(error, job)) throw error;
    const reason = reasonOf(error);
    await inOneTransaction(world, analyst, (context) => fail(context, taken, reason));
    return;
  } finally {
    hold.end();
  }
  await inOneTransaction(world, analyst, (context) => keep(context, taken, analysis));
}

/** A lease that ran out: its worker died or hangs. The Task fails with `timeout`, a fresh one waits for the doctor. */
export async function failLostAnalyses(world: World): Promise<number> {
  const now = world.now().getTime();
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] },
    { parameter: 'status', values: ['in-progress'] },
  ];
  const { found } = await world.read((stores) => searchOwn(stores, 'Task', conditions, { count: 100 }));
  const lost = found.filter((task) => Date.parse(task.restriction?.period?.end ?? '') < now - leaseSeconds(1) * 1000);
  for (const task of lost) await inOneTransaction(world, analyst, (context) => fail(context, task, 'timeout'));
  return lost.length;
}

/** All results of a step are kept, or none. Of an image that was taken away meanwhile nothing is. */
async function keep(context: WriteContext, taken: Kept<'Task'>, { analyses, failures }: StudyAnalysis): Promise<void> {
  const step = await stillTaken(context, taken);
  if (!step) return;
  const standing: Analysis[] = [];
  for (const one of analyses) if (await isThere(context, one)) standing.push(one);
  const [first] = standing;
  if (!first) return failAnalysis(context, step, 'no-pixel-data');
  const kept: { analysis: Analysis; finding: Kept<'Observation'>; media: Pointer }[] = [];
  for (const analysis of standing) kept.push({ analysis, ...(await keepResult(context, step, analysis)) });
  const { settings } = context.world;
  await completeAnalysis(context, step, {
    findings: kept.map(({ finding }) => finding),
    media: kept.map(({ media }) => media),
    device: { reference: `Device/${modelDeviceId(first.classification.model)}` },
    ...(settings.aiOrdersWorkList && priorityOf(standing)),
    sources: [inputOf(step, 'study')!],
    notes: failures.map(({ error }) => `An image could not be read: ${displays.reason[reasonOf(error)]}.`),
  });
  await keepFigures(context, step, kept);
}

async function isThere({ stores }: WriteContext, { instance }: Analysis): Promise<boolean> {
  const { StudyInstanceUID, SOPInstanceUID } = instance;
  return (await stores.studies.addresses({ StudyInstanceUID, SOPInstanceUID }, everything)).length > 0;
}

async function keepResult(
  context: WriteContext,
  step: Kept<'Task'>,
  { instance, classification, decision }: Analysis,
): Promise<{ finding: Kept<'Observation'>; media: Pointer }> {
  const subject: Subject = {
    task: step.id,
    patient: pointer(step.for)!,
    study: inputOf(step, 'study')!,
    ...(step.basedOn?.[0] && { order: pointer(step.basedOn[0])! }),
    SOPInstanceUID: instance.SOPInstanceUID,
    at: context.world.now(),
  };
  const map = heatMap(subject, classification, decision);
  await create(context, map.binary);
  await create(context, map.media);
  const finding = await create(context, classificationObservation(subject, classification, decision));
  return { finding, media: referenceTo(map.media) };
}

/** For comparison and drift each image is a run of its own; the shadow, if there is one, runs on each too. */
async function keepFigures(
  { stores, world }: WriteContext,
  step: Kept<'Task'>,
  kept: readonly { analysis: Analysis; finding: Kept<'Observation'> }[],
): Promise<void> {
  const shadow = await stores.models.shadow();
  for (const [i, { analysis, finding }] of kept.entries()) {
    const task = runOf(step.id, i);
    const run = { task, at: world.now(), timeZone: world.settings.timeZone, finding: finding.id };
    await stores.analyses.append(analysisRow(run, analysis.instance, analysis.classification, analysis.decision));
    if (shadow === undefined) continue;
    await stores.jobs.enqueue({
      kind: 'shadow',
      key: `${task}/${shadow}`,
      data: { task, finding: finding.id, digest: shadow },
    });
  }
}

/**
 * What a doctor should see first: a critical class, then what the model could not say, on any image; that the AI is not
 * for an image counts only if it is for none. Only a trained model may push.
 */
function priorityOf(analyses: readonly Analysis[]): { priority?: Priority } {
  if (!analyses.every(({ classification }) => classification.model.trained)) return {};
  const answers = new Set(analyses.map(({ decision }) => decision.answer));
  if (answers.has('COVID')) return { priority: 'stat' };
  const isUnclear = answers.has('Uncertain') || (answers.size === 1 && answers.has('Unsupported'));
  return isUnclear ? { priority: 'urgent' } : {};
}

async function fail(context: WriteContext, taken: Kept<'Task'>, reason: ReviewReason): Promise<void> {
  const step = await stillTaken(context, taken);
  if (step) await failAnalysis(context, step, reason);
}

/** The model's Device, once; a changed execution provider is a new version of it. Its status is the registry's. */
async function keepDevice(context: WriteContext, model: ModelDescription, provider: string): Promise<Pointer> {
  const state = await context.stores.models.stateOf(model.model.sha256);
  return referenceTo(await put(context, modelDevice(model, provider, state === 'active' ? 'active' : 'inactive')));
}

/** A person asked for it and no worker has taken it: it can wait as long as it must. */
async function isNotBegun(world: World, job: TakenJob): Promise<boolean> {
  const step = await world.read(({ records }) => records.read('Task', String(job.data['task']), everything));
  return (step?.resource as Task | undefined)?.status === 'accepted';
}

async function hasActiveModel(world: World): Promise<boolean> {
  return (await world.read(({ models }) => models.all())).some(({ state }) => state === 'active');
}

async function studyUidOf(world: World, step: Kept<'Task'>): Promise<string> {
  const uid = await world.read((stores) => studyUid(stores, idIn(inputOf(step, 'study'), 'ImagingStudy') ?? ''));
  if (!uid) throw new Problem('not-found', 'The study is not there any more.');
  return uid;
}

/** A server that is not ready may be so soon; an image that cost a process its life may do so once more, not for ever. */
function isWorthAnotherTry(error: unknown, { attempt, final }: TakenJob): boolean {
  if (final) return false;
  if (!(error instanceof Problem) || error.code === 'transient') return true;
  return (error.code === 'timeout' || error.code === 'exception') && attempt === 1;
}

/** Looks now and then whether the step is still the version that this worker took; the signal says when not. */
function holdOf(world: World, taken: Kept<'Task'>): { signal: AbortSignal; end(): void } {
  const given = new AbortController();
  const timer = setInterval(() => {
    world
      .read(({ records }) => records.read('Task', taken.id, everything))
      .then(
        (record) => record && !isStillTaken(record.resource as Task | undefined, taken) && given.abort(),
        () => undefined, // the database is away: the write at the end will find out
      );
  }, lookEveryMs);
  return { signal: given.signal, end: () => clearInterval(timer) };
}

/** What the step says about a failure. Every problem has its row: a new code does not compile until it has one. */
const reasons: Record<ProblemCode, ReviewReason> = {
  'not-found': 'no-pixel-data',
  'not-supported': 'unsupported-transfer-syntax',
  structure: 'broken-pixel-data',
  'too-costly': 'broken-pixel-data',
  value: 'broken-pixel-data',
  timeout: 'timeout',
  // The model or the server is to blame, not the image.
  required: 'model-error',
  invariant: 'model-error',
  'code-invalid': 'model-error',
  login: 'model-error',
  reauthenticate: 'model-error',
  expired: 'model-error',
  forbidden: 'model-error',
  deleted: 'model-error',
  duplicate: 'model-error',
  'multiple-matches': 'model-error',
  conflict: 'model-error',
  'lock-error': 'model-error',
  'business-rule': 'model-error',
  'too-long': 'model-error',
  throttled: 'model-error',
  transient: 'model-error',
  'no-store': 'model-error',
  exception: 'model-error',
  'not-acceptable': 'model-error',
  'media-type': 'model-error',
};

function reasonOf(error: unknown): ReviewReason {
  return reasons[error instanceof Problem ? error.code : 'exception'];
}
