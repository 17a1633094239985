/** The outputs that every model of ours has (models/README.md). */
export const outputNames = ['probabilities', 'logits', 'gradcam', 'gate', 'distance'] as const;

/** Of one image. */
export type ModelOutputs = Record<(typeof outputNames)[number], Float32Array>;
