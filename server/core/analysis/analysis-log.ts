import type { ScanClass } from '../vocabulary/scan-findings.ts';
import type { Decision } from './decide.ts';

export type Answer = Decision['answer'];

/** What is kept of one run of one model, beside the clinical record, for comparison and drift. No patient in it. */
export interface AnalysisRow {
  /** The run: `runOf` the `ai-inference` Task and its image; with the digest the key: a run that is written twice is one row. */
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

/** Runs of both models on the same images that agree in all of this, counted by the database. */
export interface ComparedCell {
  modality: string;
  scanner: string;
  active: Answer;
  shadow: Answer;
  verdict: DoctorsWord['verdict'] | null;
  reading: Answer | null;
  count: number;
  /** Sum over the runs of the mean absolute difference of the six probabilities. */
  difference: number;
  from: Date;
  to: Date;
}

/** What the database counts of one model in one week, of one scanner or (null) of all. */
export interface DriftCell {
  /** `2026-W48` */
  week: string;
  scanner: string | null;
  count: number;
  answers: Partial<Record<Answer, number>>;
  /** Highest class of the images that were not refused. */
  best: Partial<Record<ScanClass, number>>;
  /** Mean probability of that class; null without such images. */
  meanProbability: number | null;
  /** Of each distance score, over all images. */
  distance: { mean: number; median: number; p95: number }[];
  verdicts: { agree: number; partly: number; disagree: number };
}

/** What models said, for comparison and drift; results for people are FHIR records. */
export interface AnalysisLog {
  /** Once for a run and model, however often it is called. */
  append(row: AnalysisRow): Promise<void>;
  appendShadow(row: AnalysisRow): Promise<void>;
  /** Analyses since then that the shadow of that digest has not run on, newest first; `finding`: id of the AI Observation. */
  withoutShadow(digest: string, since: Date, limit: number): Promise<{ task: string; finding: string }[]>;
  /** A doctor's word on the AI Observation of that id; a later one replaces it. */
  heard(finding: string, word: DoctorsWord): Promise<void>;
  /** By week, and by week and scanner, oldest first. */
  drift(digest: string): Promise<DriftCell[]>;
  compared(active: string, shadow: string): Promise<ComparedCell[]>;
}
