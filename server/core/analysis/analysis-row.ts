import type { Classification, InstanceRow } from '../ports.ts';
import type { ScanClass } from '../workflow/codes.ts';
import { tagsOf } from './analyze-study.ts';
import type { Decision } from './decide.ts';
import { isoWeek } from './iso-week.ts';
import { own } from '../table.ts';

export type Answer = Decision['answer'];

/** What is kept of one run of one model, beside the clinical record, for comparison and drift. No patient in it. */
export interface AnalysisRow {
  /** Id of the `ai-inference` Task; with the digest the key: a run that is written twice is one row. */
  task: string;
  digest: string;
  at: Date;
  /** ISO week at the site. */
  week: string;
  /** Maker and model of the scanner, or its station name; `unknown` if the image says neither. */
  scanner: string;
  modality: string;
  answer: Answer;
  /** The class with the highest probability, whatever the answer is. */
  best: ScanClass;
  /** Of `best`, 0..1. */
  probability: number;
  /** In the order of the six classes. */
  probabilities: number[];
  /** The model's distance scores: Mahalanobis, PCA residual. */
  distance: number[];
  /** Id of the AI's Observation; undefined for a shadow run, which has none. */
  finding?: string;
}

/** What a doctor said to the AI's answer. */
export interface DoctorsWord {
  verdict: 'agree' | 'partly' | 'disagree';
  /** The doctor's own class, if it was coded. */
  reading?: ScanClass;
}

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
