import type { Device, DocumentReference } from '@medplum/fhirtypes';
import type { Evaluation } from './evaluate.ts';
import type { ModelManifest } from './manifest.ts';

const TYPES = 'https://csss.example/fhir/CodeSystem/';

/**
 * The model as a FHIR R4 Device (FHIR device.html), for `Observation.device` and Provenance: one Device for each set
 * of weights, so the digest is part of its identity.
 */
export function modelDevice(manifest: ModelManifest): Device {
  const { model, name, version, notice, uncertain, input } = manifest;
  const quantity = (code: string, value: number, unit: string): NonNullable<Device['property']>[number] => ({
    type: { coding: [{ system: `${TYPES}model-property`, code }] },
    valueQuantity: [{ value, unit, system: 'http://unitsofmeasure.org', code: unit === 'pixel' ? '{pixel}' : '1' }],
  });
  return {
    resourceType: 'Device',
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:hash:sha256:${model.sha256}` }],
    status: 'active',
    manufacturer: 'Clinical Scan Support System project',
    modelNumber: `${name}-${version}`,
    deviceName: [{ name, type: 'model-name' }],
    type: {
      coding: [{ system: `${TYPES}device-type`, code: 'ai-model', display: 'Artificial intelligence model' }],
      text: 'Image classifier',
    },
    version: [
      { type: { text: 'model' }, value: version },
      { type: { text: 'weights SHA-256' }, value: model.sha256 },
    ],
    property: [
      quantity('input-width', Number(input.shape[2]), 'pixel'),
      quantity('confidence-threshold', uncertain.threshold, '1'),
    ],
    safety: [{ text: 'Research and decision support; not a medical device; a doctor decides.' }],
    note: [{ text: notice }],
  };
}

/** The model card as a FHIR R4 DocumentReference (FHIR documentreference.html) with the Markdown inside. */
export function modelCardDocument(manifest: ModelManifest, evaluation: Evaluation, card: string): DocumentReference {
  return {
    resourceType: 'DocumentReference',
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:hash:sha256:${manifest.model.sha256}` }],
    status: 'current',
    docStatus: 'final',
    type: {
      coding: [{ system: `${TYPES}document-type`, code: 'ai-model-card', display: 'AI model card' }],
      text: 'AI model card',
    },
    subject: {
      identifier: { system: 'urn:ietf:rfc:3986', value: `urn:hash:sha256:${manifest.model.sha256}` },
      type: 'Device',
      display: `${manifest.name} ${manifest.version}`,
    },
    date: evaluation.created,
    description: `Model card of ${manifest.name} ${manifest.version}`,
    content: [
      {
        attachment: {
          contentType: 'text/markdown',
          language: 'en',
          title: 'MODEL_CARD.md',
          creation: evaluation.created,
          data: Buffer.from(card, 'utf8').toString('base64'),
        },
      },
    ],
  };
}
