/** What the classifier and its worker threads say to each other. */
import type { ModelDescription } from '../../core/analysis/model-description.ts';
import type { Presentation } from '../../core/dicom/presentation.ts';
import type { Classification, DecodedFrame } from '../../core/ports.ts';
import type { ProblemCode } from '../../core/problem.ts';
import type { Golden } from './self-test.ts';

export interface WorkerSetup {
  bytes: Uint8Array;
  description: ModelDescription;
  golden: Golden;
  /** In the order in which to try. */
  providers: readonly string[];
}

export type Opened = { ready: true; provider: string } | { ready: false; reason: string };

export interface Question {
  frame: DecodedFrame;
  presentation: Presentation;
}

export type Answer = { classification: Classification } | { problem: { code: ProblemCode; message: string } };
