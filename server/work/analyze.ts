import type { Device } from '@medplum/fhirtypes';
import { type Analysis, analyzeStudy } from '../core/analysis/analyze-study.ts';
import { classificationObservation, heatMap, modelDevice, type Subject } from '../core/analysis/findings.ts';
import { everything } from '../core/access/narrowing.ts';
import type { Job, World } from '../core/ports.ts';
import { systemPrincipal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import type { WriteContext } from '../core/records/write.ts';
import { completeAnalysis, failAnalysis, stillTaken, takeAnalysis } from '../core/workflow/analysis-step.ts';
import { type ReviewReason, systems } from '../core/workflow/codes.ts';
import { idIn, inputOf, pointer, referenceTo } from '../core/workflow/review-tasks.ts';
import { create, type Kept, put } from '../core/workflow/server-write.ts';

/** A job as a worker has it: which try it is, from 1, and whether none follows when it throws. */
export type TakenJob = Job & { attempt?: number; final?: boolean };

/** Longer than decoding and inference may take together, both of which end themselves. */
const leaseSeconds = 120;
/** How soon a cancelled step gives its place in the line to another. */
const lookEveryMs = 1_000;

/**
 * Runs the analysis that an `ai-inference` Task asks for: a short transaction takes the Task, the work runs
 * outside any, a second one writes everything or nothing. A second delivery of the job, a Task cancelled
 * meanwhile, a worker that was given up for dead: each finds the Task in another version and writes nothing. A Task
 * that is cancelled while its image waits for the model gives up its place.
 *
 * @param job data.task: id of the Task
 * @throws Problem `transient` for another try, until the last; `timeout`, `exception` (the model's thread hung or was
 * lost) for one more. What cannot succeed by trying again fails the Task at once with a coded reason.
 */
export async function analyze(world: World, _deps: unknown, job: TakenJob): Promise<void> {
  const state = world.classifier.state();
  if (!state.ready && !job.final) throw new Problem('transient', 'The classifier is not ready.');
  const device = state.model && modelDevice(state.model, state.ready ? state.provider : 'none');
  const taken = await world.transaction(async (stores) => {
    const context = contextOf(world, stores);
    if (device) await keepDevice(context, device);
    return takeAnalysis(context, String(job.data['task']), {
      ...(device && { device: referenceTo(device) }),
      seconds: leaseSeconds,
    });
  });
  if (!taken) return;

  let analysis: Analysis;
  const hold = holdOf(world, taken);
  try {
    analysis = await analyzeStudy(world, await studyUidOf(world, taken), {
      priority: job.priority ?? 0,
      signal: hold.signal,
    });
  } catch (error) {
    if (hold.signal.aborted) return;
    if (isWorthAnotherTry(error, job)) throw error;
    const reason = reasonOf(error);
    await world.transaction((stores) => fail(contextOf(world, stores), taken, reason));
    return;
  } finally {
    hold.end();
  }
  await world.transaction((stores) => keep(contextOf(world, stores), taken, analysis));
}

/** A lease that ran out: its worker died or hangs. The Task fails with `timeout`, a fresh one waits for the doctor. */
export async function failLostAnalyses(world: World): Promise<number> {
  const now = world.now().getTime();
  const { matches } = await world.records.search(
    {
      type: 'Task',
      conditions: [
        { parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] },
        { parameter: 'status', values: ['in-progress'] },
      ],
      include: [],
      revinclude: [],
      sort: [],
      count: 100,
      total: 'none',
    },
    () => everything,
  );
  const lost = matches
    .map(({ resource }) => resource as Kept<'Task'>)
    .filter((task) => Date.parse(task.restriction?.period?.end ?? '') < now - leaseSeconds * 1000);
  for (const task of lost) await world.transaction((stores) => fail(contextOf(world, stores), task, 'timeout'));
  return lost.length;
}

async function keep(context: WriteContext, taken: Kept<'Task'>, analysis: Analysis): Promise<void> {
  const step = await stillTaken(context, taken);
  if (!step) return;
  const { classification, decision } = analysis;
  const subject: Subject = {
    task: step.id,
    patient: pointer(step.for)!,
    study: inputOf(step, 'study')!,
    ...(step.basedOn?.[0] && { order: pointer(step.basedOn[0])! }),
    SOPInstanceUID: analysis.SOPInstanceUID,
    at: context.world.now(),
  };
  const device = modelDevice(classification.model, classification.provider);
  const map = heatMap(subject, classification, decision);
  const finding = classificationObservation(subject, classification, decision);
  await create(context, map.binary);
  await create(context, map.media);
  const kept = await create(context, finding);
  await completeAnalysis(context, step, {
    finding: { reference: `Observation/${kept.id}` },
    media: referenceTo(map.media),
    device: referenceTo(device),
    // Only a trained model may push a case to the front.
    urgent: classification.model.trained && decision.answer === 'COVID',
    sources: [subject.study],
  });
}

async function fail(context: WriteContext, taken: Kept<'Task'>, reason: ReviewReason): Promise<void> {
  const step = await stillTaken(context, taken);
  if (step) await failAnalysis(context, step, reason);
}

/** The model's Device, once; a changed execution provider is a new version of it. */
async function keepDevice(context: WriteContext, device: Device & { id: string }): Promise<void> {
  await put(context, device);
}

async function studyUidOf(world: World, step: Kept<'Task'>): Promise<string> {
  const id = idIn(inputOf(step, 'study'), 'ImagingStudy') ?? '';
  const record = await world.records.read('ImagingStudy', id, everything);
  const study = record?.resource as Kept<'ImagingStudy'> | undefined;
  const uid = study?.identifier?.find(({ system }) => system === systems.studyUid)?.value;
  if (!uid) throw new Problem('not-found', 'The study is not there any more.');
  return uid.replace(/^urn:oid:/, '');
}

/** A server that is not ready may be so soon; an image that cost a thread its life may do so once more, not for ever. */
function isWorthAnotherTry(error: unknown, { attempt = 1, final = false }: TakenJob): boolean {
  if (final) return false;
  if (!(error instanceof Problem) || error.code === 'transient') return true;
  return (error.code === 'timeout' || error.code === 'exception') && attempt === 1;
}

/** Looks now and then whether the step is still the version that this worker took; the signal says when not. */
function holdOf(world: World, taken: Kept<'Task'>): { signal: AbortSignal; end(): void } {
  const given = new AbortController();
  const timer = setInterval(() => {
    world.records.read('Task', taken.id, everything).then(
      (record) => record && String(record.version) !== taken.meta?.versionId && given.abort(),
      () => undefined, // the database is away: the write at the end will find out
    );
  }, lookEveryMs);
  return { signal: given.signal, end: () => clearInterval(timer) };
}

function reasonOf(error: unknown): ReviewReason {
  if (!(error instanceof Problem)) return 'model-error';
  if (error.code === 'not-found') return 'no-pixel-data';
  if (error.code === 'not-supported') return 'unsupported-transfer-syntax';
  if (error.code === 'structure' || error.code === 'too-costly' || error.code === 'value') return 'broken-pixel-data';
  return error.code === 'timeout' ? 'timeout' : 'model-error';
}

function contextOf(world: World, stores: WriteContext['stores']): WriteContext {
  return { world, stores, principal: systemPrincipal('analysis') };
}
