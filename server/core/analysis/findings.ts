/**
 * The result of one analysis as FHIR: the model as Device, the answer as Observation, the heat map as Media
 * (docs/workflow.md). All ids follow from the Task, the model's digest and the image, so the same run written twice is one result.
 */
import type { Binary, Device, Extension, Media, Observation, ObservationComponent } from '@medplum/fhirtypes';
import type { Classification } from './classifier.ts';
import { aiAsserted, withheld } from '../vocabulary/security-labels.ts';
import { displays } from '../vocabulary/displays.ts';
import { findingConcept, type ScanFinding } from '../vocabulary/scan-findings.ts';
import { canonical, systems } from '../vocabulary/systems.ts';
import { derivedId } from '../derived-id.ts';
import { hashOf } from '../records/attachment-check.ts';
import type { Pointer } from '../r4/pointer.ts';
import type { Decision } from './decide.ts';
import { type ModelDescription, noticeOf } from './model-description.ts';

/** What a result is about; all within one patient's record. */
export interface Subject {
  /** The `ai-inference` Task. */
  task: string;
  patient: Pointer;
  study: Pointer;
  order?: Pointer;
  SOPInstanceUID: string;
  at: Date;
}

export const instanceUidExtension = `${canonical}/StructureDefinition/instance-uid`;

/**
 * The model as a Device; other weights are another Device.
 *
 * @param status as the registry says: `active` for the model in service only.
 */
export function modelDevice(
  model: ModelDescription,
  provider: string,
  status: 'active' | 'inactive',
): Device & { id: string } {
  const notice = noticeOf(model);
  return {
    resourceType: 'Device',
    id: modelDeviceId(model),
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:hash::sha256:${model.model.sha256}` }],
    status,
    modelNumber: model.name,
    deviceName: [{ name: model.name, type: 'model-name' }],
    type: { text: 'Image classification software' },
    version: [
      { type: versionType('weights-sha256'), value: model.model.sha256 },
      { type: versionType('model-version'), value: model.version },
      { type: versionType('runtime'), value: provider },
    ],
    note: [
      { text: 'Decision support, not a medical device: a doctor decides.' },
      ...(notice ? [{ text: notice }] : []),
    ],
  };
}

/** The execution provider that a model's Device names. */
export function runtimeOf({ version }: Device): string | undefined {
  return version?.find(({ type }) => type?.coding?.[0]?.code === 'runtime')?.value;
}

export function modelDeviceId(model: ModelDescription): string {
  return deviceIdOf(model.model.sha256);
}

export function deviceIdOf(digest: string): string {
  return derivedId('model', digest);
}

function versionType(code: keyof typeof displays.version) {
  return { coding: [{ system: systems.modelVersion, code, display: displays.version[code] }] };
}

/** The AI's answer: a class, Uncertain or Unsupported, with all six probabilities in every case. */
export function classificationObservation(
  subject: Subject,
  classification: Classification,
  decision: Decision,
): Observation & { id: string } {
  const { model } = classification;
  const at = subject.at.toISOString();
  const remarks = [noticeOf(model), decision.answer === decision.best.label ? decision.best.limitation : undefined];
  const notes = remarks.filter((text) => text !== undefined && text !== null);
  return {
    resourceType: 'Observation',
    id: derivedId('ai-finding', subject.task, model.model.sha256, subject.SOPInstanceUID),
    meta: { security: [aiAsserted, withheld] },
    extension: [instanceUid(subject)],
    ...(subject.order && { basedOn: [subject.order] }),
    partOf: [subject.study],
    status: 'preliminary',
    category: [{ coding: [{ system: systems.observationCategory, code: 'imaging', display: 'Imaging' }] }],
    code: findingConcept('ai-classification'),
    subject: subject.patient,
    effectiveDateTime: at,
    issued: at,
    // A local code of a pattern: how sure the model is of a disease, outside its own data, is no reason to code one.
    valueCodeableConcept: findingConcept(decision.answer),
    ...(decision.answer === 'Uncertain' && {
      interpretation: [{ coding: [{ system: systems.interpretation, code: 'IND', display: 'Indeterminate' }] }],
    }),
    method: { text: `${model.name} ${model.version}` },
    device: { reference: `Device/${modelDeviceId(model)}` },
    derivedFrom: [subject.study, { reference: `Media/${heatMapId(subject, model)}` }],
    ...(notes.length > 0 && { note: notes.map((text) => ({ text })) }),
    component: components(classification, decision),
  };
}

function components(
  { model, probabilities, provider, milliseconds }: Classification,
  decision: Decision,
): ObservationComponent[] {
  const code = (finding: ScanFinding) => ({ code: findingConcept(finding) });
  return [
    ...model.labels.map(({ label }, i) => ({ ...code(label), valueQuantity: ratio(probabilities[i]!) })),
    { ...code('threshold'), valueQuantity: ratio(decision.threshold) },
    ...(decision.refusal ? [{ ...code('refusal'), valueCodeableConcept: findingConcept(decision.refusal) }] : []),
    { ...code('class-index'), valueInteger: decision.best.index },
    { ...code('model-digest'), valueString: model.model.sha256 },
    { ...code('runtime'), valueString: provider },
    {
      ...code('duration'),
      valueQuantity: { value: Math.round(milliseconds * 10) / 10, unit: 'ms', system: systems.ucum, code: 'ms' },
    },
  ];
}

/** A number between 0 and 1, to six digits: more than the arithmetic behind it is worth. */
function ratio(value: number) {
  return { value: Math.round(value * 1e6) / 1e6, unit: '1', system: systems.ucum, code: '1' };
}

/** The heat map of the best class over the image, as a picture of its own, readable as the Media is. */
export function heatMap(
  subject: Subject,
  classification: Classification,
  decision: Decision,
): { media: Media & { id: string }; binary: Binary & { id: string } } {
  const { model, heatMap: picture } = classification;
  const id = heatMapId(subject, model);
  const binaryId = derivedId('heat-map-bytes', subject.task, model.model.sha256, subject.SOPInstanceUID);
  return {
    media: {
      resourceType: 'Media',
      id,
      meta: { security: [aiAsserted, withheld] },
      extension: [instanceUid(subject)],
      ...(subject.order && { basedOn: [subject.order] }),
      status: 'completed',
      type: { text: 'image' },
      subject: subject.patient,
      createdDateTime: subject.at.toISOString(),
      device: { reference: `Device/${modelDeviceId(model)}` },
      height: picture.height,
      width: picture.width,
      frames: 1,
      content: {
        contentType: 'image/jpeg',
        url: `Binary/${binaryId}`,
        size: picture.jpeg.length,
        hash: hashOf(picture.jpeg),
        title: 'AI heat map',
      },
      note: [{ text: `Grad-CAM of the class ${decision.best.label}: where the model looked, not where disease is.` }],
    },
    binary: {
      resourceType: 'Binary',
      id: binaryId,
      contentType: 'image/jpeg',
      securityContext: { reference: `Media/${id}` },
      data: Buffer.from(picture.jpeg).toString('base64'),
    },
  };
}

function heatMapId(subject: Subject, model: ModelDescription): string {
  return derivedId('heat-map', subject.task, model.model.sha256, subject.SOPInstanceUID);
}

function instanceUid(subject: Subject): Extension {
  return { url: instanceUidExtension, valueString: subject.SOPInstanceUID };
}
