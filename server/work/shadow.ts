import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '@medplum/fhirtypes';
import { everything } from '../core/access/narrowing.ts';
import { analysisRow } from '../core/analysis/analysis-row.ts';
import { classifyInstance } from '../core/analysis/analyze-study.ts';
import { imageOfResult } from '../core/analysis/image-of-result.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { TakenJob } from '../core/jobs.ts';

/** Milliseconds before each run. One takes about 50: a backlog has a fifth of a core at most, and few arrivals meet a run. */
const rest = 200;

/**
 * Runs the shadow model on the image of a result that is there already. What it says goes to a table that no
 * clinical interface reads; it opens no Task, writes no FHIR resource, and its failure concerns nobody's result. It
 * waits whenever this process has an analysis for a doctor under way, before each of its steps, and draws no heat map.
 *
 * @param job data.finding: id of the AI Observation; data.task; data.digest of the shadow when it was owed.
 * @throws Problem `transient` for another try.
 */
export async function shadow(world: World, job: TakenJob): Promise<void> {
  const digest = String(job.data['digest']);
  await sleep(rest);
  await world.classifier.idle();
  if ((await world.read(({ models }) => models.shadow())) !== digest) return; // not the shadow any more: nobody asks for this run
  const held = world.shadow.hold();
  try {
    const state = held.state();
    if (!state.ready || state.model.model.sha256 !== digest)
      throw new Problem('transient', 'The shadow model is not ready.');
    const image = await world.read(async (stores) => {
      const finding = await stores.records.read('Observation', String(job.data['finding']), everything);
      return finding?.resource && imageOfResult(stores, finding.resource as Observation);
    });
    if (!image) return; // deleted meanwhile
    await world.classifier.idle();
    const { classification, decision } = await classifyInstance(world, image, held, { picture: false });
    const run = { task: String(job.data['task']), at: world.now(), timeZone: world.settings.timeZone };
    await world.transaction(({ analyses }) => analyses.appendShadow(analysisRow(run, image, classification, decision)));
  } finally {
    held.release();
  }
}
