import type { DecodedFrame } from '../dicom/instance.ts';
import type { Presentation } from '../dicom/presentation.ts';
import type { ModelDescription } from './model-description.ts';
import type { RefusalCode } from './registry/registered-model.ts';

/** The image classifier: processes that run one model file. */
export interface Classifier {
  /** Whether analyses can run now, on what, and if not why. */
  state(): ClassifierState;
  /**
   * Brings one frame into the model's input form, runs the model and draws the heat map, off the event loop. The
   * frame's pixels are handed over and cannot be used afterwards.
   *
   * @param options.priority higher first among the images that wait, then who came first; as `Job.priority`.
   * @param options.wholeFrame leave borders of one value, which are cut off otherwise (`core/analysis/content.ts`).
   * @param options.picture draws the heat map (the default); without it `heatMap.jpeg` has no bytes.
   * @param options.signal gives up: an image that waits leaves its place, a result that comes is dropped.
   * @throws Problem `transient` (not ready, too many wait), `timeout`, `structure` (pixels unusable), `exception`
   * (model error), `conflict` (given up).
   */
  classify(frame: DecodedFrame, presentation: Presentation, options?: ClassifyOptions): Promise<Classification>;
}

export interface ClassifyOptions {
  priority?: number;
  wholeFrame?: boolean;
  picture?: boolean;
  signal?: AbortSignal;
}

export type ClassifierState =
  | {
      ready: true;
      provider: string;
      /** Sessions that run the model side by side. */
      workers: number;
      /** Analyses that one process should have under way, so that the model is never idle and none waits long. */
      parallel: number;
      model: ModelDescription;
      load: ClassifierLoad;
      /** Providers that worked and failed since the start, with the reason. */
      lost?: string[];
    }
  /**
   * `switchedOff`: an administrator wants it so; work waits instead of failing. `elsewhere`: other processes run the
   * model, and know whether they can.
   */
  | {
      ready: false;
      reason: string;
      code?: RefusalCode;
      model?: ModelDescription;
      switchedOff?: boolean;
      elsewhere?: boolean;
    };

/** A classifier whose model can be changed while the server runs. */
export interface SwitchedClassifier extends Classifier {
  /** The one of this moment, which stays until `release`, so that an analysis ends with the model that it began with. */
  hold(): Classifier & { release(): void };
  /** Resolves when nobody holds it and no image is in it, for work that must not be in the way of what it does. */
  idle(): Promise<void>;
}

/** What happens in the classifier now, and the mean of its last images. */
export interface ClassifierLoad {
  /** Images that wait for their turn or for the model. */
  waiting: number;
  /** Images in the model. */
  running: number;
  /** Milliseconds from arrival to the start of the run. */
  meanWait: number;
  /** Images in a run. */
  meanBatch: number;
  /** Images answered since the start. */
  answered: number;
}

/** What the model says about one image; arrays over classes are in the order of the model's labels. */
export interface Classification {
  model: ModelDescription;
  /** `cuda`, `webgpu` or `cpu`. */
  provider: string;
  /** Time of preprocessing, model run and heat map together, without waiting. */
  milliseconds: number;
  /** Each 0..1, sum 1. */
  probabilities: number[];
  /** Grad-CAM, one map a class, each `heatMapSize` x `heatMapSize`, row by row, not negative. */
  heatMaps: number[][];
  heatMapSize: number;
  /** The map of the class with the highest probability over the frame as a person sees it. */
  heatMap: { jpeg: Uint8Array; width: number; height: number };
  /** Scores of the model's own gate and distance outputs. */
  gate: number[];
  distance: number[];
}
