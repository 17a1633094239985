import type { Device, Observation } from '@medplum/fhirtypes';
import { noticeOf } from '../analysis/model-description.ts';
import type { Reading, Surroundings } from '../world.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { displays } from '../vocabulary/displays.ts';
import { scanClasses } from '../vocabulary/scan-findings.ts';
import { found } from './look-up.ts';
import type { AiPart } from './report-content.ts';

/** The AI section of a report, from the stored Observation and its Device: what was said then, not what a model of today says. @param images how many it read; `ai` leads. */
export async function aiPart(
  world: Surroundings,
  stores: Pick<Reading, 'records'>,
  ai: Observation,
  images = 1,
): Promise<AiPart> {
  const device = (await found(stores, 'Device', ai.device)) as Device | undefined;
  const component = (code: string) => ai.component?.find((one) => codeOf(one.code, systems.scanFinding) === code);
  const answer = codeOf(ai.valueCodeableConcept, systems.scanFinding);
  const probabilities = scanClasses
    .map((name) => ({ name: displays.finding[name], percent: (component(name)?.valueQuantity?.value ?? 0) * 100 }))
    .toSorted((one, other) => other.percent - one.percent);
  const refusal = component('refusal')?.valueCodeableConcept?.coding?.[0]?.display;
  const milliseconds = component('duration')?.valueQuantity?.value;
  return {
    answer: ai.valueCodeableConcept?.coding?.[0]?.display ?? 'No answer',
    kind: answer === 'Uncertain' ? 'uncertain' : answer === 'Unsupported' ? 'unsupported' : 'class',
    confidence: percent(probabilities[0]?.percent ?? 0),
    threshold: percent((component('threshold')?.valueQuantity?.value ?? 0) * 100),
    refusal,
    probabilities: probabilities.slice(0, 3).map((one) => ({ ...one, share: percent(one.percent) })),
    model: ai.method?.text ?? device?.modelNumber ?? 'Image classifier',
    digest: component('model-digest')?.valueString ?? '',
    duration: milliseconds === undefined ? undefined : `${(milliseconds / 1000).toFixed(2)} s`,
    notices: [
      ...(images > 1 ? [`The AI read ${images} images of the study; this is its most serious answer.`] : []),
      ...noticesOf(world, ai, component('model-digest')?.valueString),
    ],
  };
}

/** Notices that the result carries, and those of the model while it is the one in use. */
function noticesOf(world: Surroundings, ai: Observation, digest: string | undefined): string[] {
  const stored = (ai.note ?? []).map(({ text }) => text ?? '').filter((text) => text !== '');
  const { model } = world.classifier.state();
  const notice = model?.model.sha256 === digest && model ? noticeOf(model) : undefined;
  return [...new Set([...stored, ...(notice ? [notice] : [])])];
}

/** Cut, not rounded: 74.96 % is not 75 %. */
export function percent(value: number): string {
  return `${(Math.floor(value * 10) / 10).toFixed(1)} %`;
}
