import { LABEL_FACTS, MODALITIES, DEFAULT_THRESHOLD } from './labels.ts';
import type { Label, LabelFacts, Modality } from './labels.ts';

/** `model.json`: everything a server must know to run the file and to say what it may claim. See models/README.md. */
export interface ModelManifest {
  schema: 'csss-model/1';
  name: string;
  version: string;
  /** False: the head is random, the file is for pipeline tests only and no result may be shown. */
  trained: boolean;
  notice: string;
  /** ISO date of the export. */
  created: string;
  model: { file: string; sha256: string; bytes: number; format: 'onnx'; opset: number; precision: 'float32' | 'int8' };
  input: { name: string; type: 'uint8'; shape: (number | 'N')[]; layout: 'NHWC' };
  outputs: Record<string, { type: 'float32'; shape: (number | 'N')[]; meaning: string }>;
  preprocessing: {
    width: number;
    height: number;
    /** `fill`: both sides are scaled to fit, the aspect ratio is not kept, as in the training images. */
    fit: 'fill';
    kernel: 'lanczos3';
    channels: 'grey copied to three';
    range: [number, number];
    /** What the graph itself does; the caller must not repeat it. */
    insideGraph: string;
    photometric: string;
  };
  labels: (LabelFacts & { index: number; modality: Exclude<Modality, 'other'>[]; threshold: number })[];
  uncertain: { threshold: number; meaning: string };
  /** The softmax temperature inside the graph; for information. */
  temperature: number;
  gate: { classes: readonly Modality[]; minimum: number | null; meaning: string };
  distance: { values: readonly ['mahalanobis', 'residual']; limits: [number, number] | null; meaning: string };
  golden: string;
  evaluation: { file: string; sha256: string } | null;
  training: { manifest: { sha256: string; images: number }; seed: number; settings: unknown } | null;
  licence: { model: string; base: string; notices: string[] };
}

const MODALITIES_OF: Record<Label, Exclude<Modality, 'other'>[]> = {
  COVID: ['chest'],
  Lung_Opacity: ['chest'],
  NIH_MERGED: ['chest'],
  Normal: ['chest', 'cardiac'],
  Sick: ['cardiac'],
  Viral_Pneumonia: ['chest'],
};

/** The parts of the manifest that follow from the graph's contract and never from a training. */
export function contract(): Pick<ModelManifest, 'input' | 'outputs' | 'preprocessing' | 'labels' | 'uncertain'> {
  const output = (shape: (number | 'N')[], meaning: string): ModelManifest['outputs'][string] => ({
    type: 'float32',
    shape,
    meaning,
  });
  return {
    input: { name: 'image', type: 'uint8', shape: ['N', 224, 224, 3], layout: 'NHWC' },
    outputs: {
      probabilities: output(['N', 6], 'calibrated softmax, order of `labels`, sums to 1'),
      logits: output(['N', 6], 'before temperature and softmax'),
      gradcam: output(['N', 6, 7, 7], 'Grad-CAM of every class, >= 0, not normalised'),
      embedding: output(['N', 1280], 'mean of the last feature map; for drift and similarity'),
      gate: output(['N', 3], `probabilities of ${MODALITIES.join(', ')}`),
      distance: output(['N', 2], 'Mahalanobis distance to the nearest training centre; norm of the PCA residual'),
    },
    preprocessing: {
      width: 224,
      height: 224,
      fit: 'fill',
      kernel: 'lanczos3',
      channels: 'grey copied to three',
      range: [0, 255],
      insideGraph: 'cast, channels first, (pixel - 128) / 128',
      photometric: 'MONOCHROME2 after rescale and VOI window: bone and heart bright, air dark',
    },
    labels: LABEL_FACTS.map((facts, index) => ({
      index,
      ...facts,
      modality: MODALITIES_OF[facts.label],
      threshold: DEFAULT_THRESHOLD,
    })),
    uncertain: {
      threshold: DEFAULT_THRESHOLD,
      meaning: 'when the highest probability is below the threshold of its class the answer is "Uncertain"',
    },
  };
}
