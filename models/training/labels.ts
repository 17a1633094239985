/** The six classes in the order of every vector of the model. */
export const LABELS = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;
export type Label = (typeof LABELS)[number];

/** What the gate tells apart before any class means something. */
export const MODALITIES = ['chest', 'cardiac', 'other'] as const;
export type Modality = (typeof MODALITIES)[number];

/** Below this calibrated probability the answer is "Uncertain". */
export const DEFAULT_THRESHOLD = 0.75;

export interface LabelFacts {
  label: Label;
  display: string;
  /** The local vocabulary stays the truth; SNOMED CT is given where one concept means the same. */
  snomed: { system: 'http://snomed.info/sct'; code: string; display: string } | null;
  /** Whether the training data can support the name as a clinical finding. */
  validated: boolean;
  /** False for names that say where an image came from and not what it shows. */
  diagnosis: boolean;
  limitation: string | null;
}

const snomed = (code: string, display: string): LabelFacts['snomed'] => ({
  system: 'http://snomed.info/sct',
  code,
  display,
});

export const LABEL_FACTS: readonly LabelFacts[] = [
  {
    label: 'COVID',
    display: 'COVID-19 pattern',
    snomed: snomed('840539006', 'Disease caused by severe acute respiratory syndrome coronavirus 2'),
    validated: false,
    diagnosis: true,
    limitation:
      'Adults of a few countries, from sources that hold no other class; at least two labels of the source are known to be wrong. See the external test.',
  },
  {
    label: 'Lung_Opacity',
    display: 'Lung opacity',
    snomed: null,
    validated: false,
    diagnosis: true,
    limitation: 'Mostly bacterial pneumonia of children of one hospital.',
  },
  {
    label: 'NIH_MERGED',
    display: 'Other abnormality (NIH collection)',
    snomed: null,
    validated: false,
    diagnosis: false,
    limitation: 'Names a data source, not a disease; few films. Never shown as a diagnosis.',
  },
  {
    label: 'Normal',
    display: 'No abnormality recognised',
    snomed: null,
    validated: false,
    diagnosis: true,
    limitation: null,
  },
  {
    label: 'Sick',
    display: 'Abnormal cardiac MR',
    snomed: null,
    validated: false,
    diagnosis: false,
    limitation:
      'Slices of one cardiac collection; single slices cannot separate healthy from diseased hearts; not validated.',
  },
  {
    label: 'Viral_Pneumonia',
    display: 'Viral pneumonia',
    snomed: snomed('75570004', 'Viral pneumonia'),
    validated: false,
    diagnosis: true,
    limitation: 'Children of one hospital only.',
  },
];
