import type { AnalysisRow } from './analysis-log.ts';
import type { Classification } from './classifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { Decision } from './decide.ts';
import { tagsOf } from './eligible.ts';
import { isoWeek } from './iso-week.ts';
import { own } from '../table.ts';

export function analysisRow(
  run: { task: string; at: Date; timeZone: string; finding?: string },
  instance: Pick<InstanceRow, 'attributes'>,
  classification: Classification,
  decision: Decision,
): AnalysisRow {
  return {
    task: run.task,
    digest: classification.model.model.sha256,
    at: run.at,
    week: isoWeek(run.at, run.timeZone),
    scanner: scannerOf(instance),
    modality: tagsOf(instance).modality ?? 'unknown',
    answer: decision.answer,
    best: decision.best.label,
    probability: decision.probability,
    probabilities: classification.probabilities,
    distance: classification.distance,
    ...(run.finding !== undefined && { finding: run.finding }),
  };
}

/** The name of a step's run on one of its images: the first has the step's own, as when each step read one. */
export function runOf(task: string, image: number): string {
  return image === 0 ? task : `${task}/${image}`;
}

/** Manufacturer (0008,0070) and Manufacturer's Model Name (0008,1090), else Station Name (0008,1010). */
export function scannerOf({ attributes }: Pick<InstanceRow, 'attributes'>): string {
  const text = (tag: string) => {
    const value = own(attributes, tag)?.Value?.[0];
    return typeof value === 'string' ? value.replace(/\s+/g, ' ').trim() : '';
  };
  const device = [text('00080070'), text('00081090')].filter((part) => part !== '').join(' ');
  const named = text('00081090') === '' ? text('00081010') || device : device;
  return (named || 'unknown').slice(0, 130);
}
