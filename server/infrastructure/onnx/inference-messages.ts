/** What the classifier, its session processes and its pixel threads say to each other. */
import type { Content } from '../../core/analysis/content.ts';
import type { ModelDescription } from '../../core/analysis/model-description.ts';
import type { ModelInput } from '../../core/analysis/preprocess.ts';
import type { Presentation } from '../../core/dicom/presentation.ts';
import type { DecodedFrame } from '../../core/dicom/instance.ts';
import type { ProblemCode } from '../../core/problem.ts';
import type { ModelOutputs } from './model-outputs.ts';
import type { Golden } from './self-test.ts';

/** Given to a session process at its start. */
export interface SessionSetup {
  bytes: Uint8Array;
  description: ModelDescription;
  golden: Golden;
  /** In the order in which to try. */
  providers: readonly string[];
  /** Largest number of images in one run. */
  batch: number;
  /** Batches on the CPU, too, where they do not help: for tests. */
  batchOnCpu: boolean;
}

/** As it is sent: the model comes by itself, `size` bytes of it. */
export type SentSetup = Omit<SessionSetup, 'bytes'> & { size: number };

export type Opened = { ready: true; provider: string; refused: string[] } | { ready: false; reason: string };

export interface BatchQuestion {
  /** Model inputs, one an image. */
  images: Uint8Array[];
}

/** An answer for each image, in their order; `lost`: the provider does not run any more and these images were not answered. */
export type BatchAnswer = { answers: BatchItem[] } | { lost: string };
export type BatchItem = { outputs: ModelOutputs } | { problem: { code: ProblemCode; message: string } };

/** Work on pixels around the run: before it the model's input, after it the picture of the heat map. */
export type PixelQuestion =
  | {
      kind: 'input';
      frame: DecodedFrame;
      presentation: Presentation;
      wholeFrame: boolean;
      description: ModelDescription;
    }
  | { kind: 'heat-map'; preview: ModelInput['preview']; content: Content; map: Float32Array };

export type PixelAnswer =
  { input: ModelInput } | { jpeg: Uint8Array } | { problem: { code: ProblemCode; message: string } };
