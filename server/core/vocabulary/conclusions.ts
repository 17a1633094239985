/**
 * What a reader may conclude of which study, as codes. Beside them a text is always allowed: no list knows all that an
 * image can show. None of the codes is a SNOMED code of a disease, because the model's classes among them are not
 * diagnoses.
 */
import type { CodeableConcept, Coding, ImagingStudy } from '@medplum/fhirtypes';
import { own } from '../table.ts';
import { displays } from './displays.ts';
import type { ScanClass } from './scan-findings.ts';
import { canonical, systems } from './systems.ts';

export type ReadingConclusion = keyof typeof displays.conclusion;

export interface ConclusionSet {
  /** Of the ValueSet `reading-conclusion-[name]`. */
  name: string;
  /** DICOM modalities; every one if absent. */
  modalities?: readonly string[];
  /** DICOM Body Part Examined (PS3.16 Annex L), or the display or SNOMED code that FHIR carries it by; every one if absent. */
  bodyParts?: readonly string[];
  /** Classes of the model that a reader may conclude; NIH_MERGED names a data source and is none. */
  classes: readonly Exclude<ScanClass, 'NIH_MERGED'>[];
  conclusions: readonly ReadingConclusion[];
}

const chest = ['CHEST', 'LUNG', 'THORAX', '51185008', '39607008', '43799004', '816094009'];
const heart = ['HEART', 'CHEST', 'THORAX', '80891009', '51185008', '43799004', '816094009'];
const bones = [
  'SPINE', 'CSPINE', 'TSPINE', 'LSPINE', 'SSPINE', 'CERVICALSPINE', 'THORACICSPINE', 'LUMBARSPINE', '122494005', '122495006', '122496007',
  'HAND', 'WRIST', 'ELBOW', 'SHOULDER', 'ARM', 'FOREARM', 'FINGER', 'FOOT', 'ANKLE', 'KNEE', 'LEG', 'THIGH', 'FEMUR', 'HIP', 'PELVIS', 'RIB',
  'SKULL', 'CLAVICLE', 'HANDJOINT', 'ELBOWJOINT', 'ANKLEJOINT', '85562004', '16953009', '16982005', '56459004', '70258002', '72696002', '89546000',
]; // prettier-ignore
const head = ['HEAD', 'BRAIN', 'SKULL', 'NECK', '69536005', '12738006', '89546000', '45048000'];
const abdomen = ['ABDOMEN', 'LIVER', 'KIDNEY', 'PELVIS', 'ABDOMENPELVIS', '818981001', '10200004', '64033007'];

export const conclusionSets: readonly ConclusionSet[] = [
  {
    name: 'general',
    classes: [],
    conclusions: ['no-abnormality', 'abnormality', 'incidental-finding', 'not-diagnostic'],
  },
  {
    name: 'chest-radiograph',
    modalities: ['CR', 'DX', 'RG', 'RF'],
    bodyParts: chest,
    classes: ['Normal', 'Lung_Opacity', 'Viral_Pneumonia', 'COVID'],
    conclusions: ['pneumonia', 'pleural-effusion', 'pneumothorax', 'pulmonary-nodule', 'cardiomegaly'],
  },
  {
    name: 'chest-ct',
    modalities: ['CT'],
    bodyParts: chest,
    classes: ['Normal', 'Lung_Opacity', 'Viral_Pneumonia', 'COVID'],
    conclusions: ['pneumonia', 'pleural-effusion', 'pneumothorax', 'pulmonary-nodule', 'pulmonary-embolism'],
  },
  {
    name: 'cardiac-mr',
    modalities: ['MR'],
    bodyParts: heart,
    classes: ['Normal', 'Sick'],
    conclusions: ['ventricular-dysfunction', 'myocardial-scar', 'cardiomegaly'],
  },
  {
    name: 'skeleton',
    modalities: ['CR', 'DX', 'RG', 'RF', 'CT', 'MR'],
    bodyParts: bones,
    classes: [],
    conclusions: ['fracture', 'no-fracture', 'dislocation', 'degenerative-changes', 'mass-lesion'],
  },
  {
    name: 'head',
    modalities: ['CT', 'MR'],
    bodyParts: head,
    classes: [],
    conclusions: ['intracranial-haemorrhage', 'ischaemia', 'mass-lesion', 'fracture'],
  },
  {
    name: 'abdomen',
    modalities: ['CR', 'DX', 'CT', 'MR', 'US'],
    bodyParts: abdomen,
    classes: [],
    conclusions: ['bowel-obstruction', 'calculus', 'free-fluid-or-air', 'mass-lesion'],
  },
];

export function conclusionSetUrl({ name }: ConclusionSet): string {
  return `${canonical}/ValueSet/reading-conclusion-${name}`;
}

/** Says nothing about how the image was made: what arrives so (a scanned film) may be anything. */
const anyModality = new Set(['OT', 'SC']);

/** The sets that fit a study: by modality and body part of each series; what a series does not say excludes nothing. */
export function conclusionSetsOf(study: Pick<ImagingStudy, 'series'> | undefined): readonly ConclusionSet[] {
  const series = study?.series ?? [];
  if (series.length === 0) return conclusionSets;
  return conclusionSets.filter((set) =>
    series.some(({ modality, bodySite }) => {
      const fits = !set.modalities || anyModality.has(modality.code ?? 'OT') || set.modalities.includes(modality.code!);
      const parts = [bodySite?.code, bodySite?.display].flatMap((part) => part ?? []).map(plain);
      return fits && (!set.bodyParts || parts.length === 0 || parts.some((part) => set.bodyParts!.includes(part)));
    }),
  );
}

function plain(part: string): string {
  return part.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

/** The codings that a reader may conclude of this study. */
export function conclusionsOf(study: Pick<ImagingStudy, 'series'> | undefined): Coding[] {
  const sets = conclusionSetsOf(study);
  const classes = new Set(sets.flatMap((set) => set.classes));
  const others = new Set(sets.flatMap(({ conclusions }) => conclusions));
  return [
    ...[...classes].map((code) => ({ system: systems.scanFinding, code, display: displays.finding[code] })),
    ...[...others].map((code) => ({ system: systems.readingConclusion, code, display: displays.conclusion[code] })),
  ];
}

/** The coding with what our list says to a person. */
export function withDisplay({ system, code = '' }: Coding): Coding {
  const table: Readonly<Record<string, string>> =
    system === systems.scanFinding ? displays.finding : displays.conclusion;
  const display = own(table, code);
  return { ...(system !== undefined && { system }), code, ...(display !== undefined && { display }) };
}

/** Whether a coding is of one of the two systems that conclusions come from. */
export function isConclusionSystem({ system }: Coding): boolean {
  return system === systems.scanFinding || system === systems.readingConclusion;
}

/**
 * The class of the model that a conclusion means: a reader who finds no abnormality says what the model calls Normal.
 */
export function classMeantBy(conclusion: CodeableConcept | undefined): string | undefined {
  const coding = conclusion?.coding?.find(isConclusionSystem);
  return coding?.system === systems.readingConclusion && coding.code === 'no-abnormality' ? 'Normal' : coding?.code;
}
