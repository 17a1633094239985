import { AUGMENTATION, type Augmentation } from './augment.ts';

/** Everything that decides the weights beside the images; stored in model.json. */
export interface TrainingSettings {
  seed: number;
  /** First trained block of MobileNetV2; what comes before stays as imported. */
  fromBlock: number;
  batch: number;
  headEpochs: number;
  headRate: number;
  /** Augmented copies of each image for the training of the head alone. */
  headCopies: number;
  epochs: number;
  /** Learning rates at the start of fine-tuning: of the network relative to its weights, of the head as it is. */
  rate: number;
  fineHeadRate: number;
  warmUpSteps: number;
  /** Epochs without a better validation loss before the rate is reduced, and before training stops. */
  reduceAfter: number;
  reduceBy: number;
  stopAfter: number;
  /** Exponent of the class weights: more of it finds rare classes more often, and more often wrongly. */
  balance: number;
  labelSmoothing: number;
  dropout: number;
  /** Share that the averaged weights keep at each step. */
  averageKeep: number;
  augmentation: Augmentation;
  threads: number;
}

export const SETTINGS: TrainingSettings = {
  seed: 42,
  fromBlock: 7,
  batch: 32,
  headEpochs: 15,
  headRate: 1e-3,
  headCopies: 1,
  epochs: 3,
  rate: 1.5e-2,
  fineHeadRate: 3e-4,
  warmUpSteps: 100,
  reduceAfter: 2,
  reduceBy: 0.5,
  stopAfter: 4,
  balance: 0.25,
  labelSmoothing: 0.05,
  dropout: 0.4,
  averageKeep: 0.995,
  augmentation: AUGMENTATION,
  threads: 1,
};

/**
 * Learning-rate factor of a step: linear warm-up, then half a cosine down to 2 % over the planned epochs; multiplied
 * by the reductions that a plateau of the validation loss has caused.
 */
export function rateFactor(step: number, steps: number, warmUp: number): number {
  if (step < warmUp) return (step + 1) / warmUp;
  const share = Math.min(1, (step - warmUp) / Math.max(1, steps - warmUp));
  return 0.02 + 0.98 * 0.5 * (1 + Math.cos(Math.PI * share));
}
