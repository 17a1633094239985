/**
 * Search parameters that R4 does not define: those common to all types, written as paths from the resource, and our
 * own. `scripts/build-search-parameters.ts` adds them to the table.
 */
import { canonical } from '../vocabulary/systems.ts';
import type { TableEntry } from './search-parameters.ts';

export const extensionBase = `${canonical}/StructureDefinition/`;

export const ownParameters: Record<string, Record<string, TableEntry>> = {
  Resource: {
    _profile: { type: 'uri', path: 'meta.profile' },
    _security: { type: 'token', path: 'meta.security' },
    _source: { type: 'uri', path: 'meta.source' },
    _tag: { type: 'token', path: 'meta.tag' },
  },
  // IHE IMR defines this one too: R4 has DiagnosticReport.imagingStudy but no parameter for it.
  DiagnosticReport: {
    'imaging-study': { type: 'reference', path: 'imagingStudy', target: ['ImagingStudy'] },
  },
  // The patient compartment of Binary is whoever may see its security context (FHIR binary.html).
  Binary: {
    'security-context': { type: 'reference', path: 'securityContext' },
  },
  // R4 has no ImagingSelection: the SOP Instance UID that an observation was read from is an extension.
  Observation: {
    'instance-uid': { type: 'token', path: `extension.where(url='${extensionBase}instance-uid').value` },
  },
  Media: {
    'instance-uid': { type: 'token', path: `extension.where(url='${extensionBase}instance-uid').value` },
  },
  // R4 looks at the series only; a large study may leave those out and keep its own list of modalities.
  ImagingStudy: {
    modality: { type: 'token', path: 'series.modality | modality' },
  },
  Task: {
    output: { type: 'reference', path: 'output.value.ofType(Reference)' },
  },
};
