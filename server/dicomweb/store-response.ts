import type { DicomJson } from '../core/dicom/json.ts';
import { failureReason, warningReason } from '../core/studies/failure-reason.ts';
import type { InstanceName, InstanceOutcome } from '../core/studies/outcome.ts';

/** 200 all stored, 202 some, or some that wait for a human, 409 none (PS3.18 10.5.3). */
export function storeStatus(instances: InstanceOutcome[]): 200 | 202 | 409 {
  const failures = instances.filter(({ status }) => status === 'failed').length;
  const isAnyHeld = instances.some(({ status }) => status === 'held');
  if (failures === 0) return isAnyHeld ? 202 : 200;
  return failures < instances.length ? 202 : 409;
}

/** Where what was stored is retrieved: all of it together, if there is one place, and each instance. */
export interface StoredAt {
  of: string | undefined;
  one(name: InstanceName): string;
}

/** @param studyUID of the request, if it named one */
export function inStudies(instances: InstanceOutcome[], baseUrl: string, studyUID: string | undefined): StoredAt {
  const stored = instances.flatMap((one) => (one.status === 'failed' ? [] : [one.name.StudyInstanceUID]));
  const studies = new Set(stored);
  const study = studyUID ?? (studies.size === 1 ? [...studies][0] : undefined);
  return { of: study && `${baseUrl}/studies/${study}`, one: (name) => instanceUrl(baseUrl, name) };
}

/** Store Instances Response Module (PS3.18 Annex I). */
export function storeResponse(instances: InstanceOutcome[], { of, one }: StoredAt): DicomJson {
  const stored = instances.filter((outcome) => outcome.status !== 'failed');
  const refused = instances.filter((outcome) => outcome.status === 'failed');
  const named = refused.filter(({ name }) => name !== undefined);
  const nameless = refused.filter(({ name }) => name === undefined);
  return {
    // Type 2: without a value when the instances belong to several studies.
    '00081190': of === undefined ? { vr: 'UR' } : { vr: 'UR', Value: [of] },
    ...sequence(
      '00081198',
      named.map((outcome) => ({
        ...reference(outcome.name!),
        '00081197': { vr: 'US', Value: [failureReason[outcome.reason]] },
      })),
    ),
    ...sequence(
      '00081199',
      stored.map((outcome) => ({
        ...reference(outcome.name),
        ...warningOf(outcome),
        // Type 2: without a value while it cannot be retrieved.
        '00081190': { vr: 'UR', ...(outcome.status !== 'held' && { Value: [one(outcome.name)] }) },
      })),
    ),
    ...sequence(
      '0008119A',
      nameless.map(({ reason }) => ({ '00081197': { vr: 'US', Value: [failureReason[reason]] } })),
    ),
  };
}

type Taken = Exclude<InstanceOutcome, { status: 'failed' }>;

function warningOf(outcome: Taken): DicomJson {
  const reason = warningReason(outcome);
  const original = outcome.status === 'held' ? undefined : outcome.original;
  return {
    ...(reason !== undefined && { '00081196': { vr: 'US', Value: [reason] } }),
    ...(original && { '04000561': { vr: 'SQ', Value: original } }),
  };
}

function sequence(tag: string, items: DicomJson[]): DicomJson {
  return items.length > 0 ? { [tag]: { vr: 'SQ', Value: items } } : {};
}

function reference({ SOPClassUID, SOPInstanceUID }: InstanceName): DicomJson {
  return { '00081150': { vr: 'UI', Value: [SOPClassUID] }, '00081155': { vr: 'UI', Value: [SOPInstanceUID] } };
}

function instanceUrl(baseUrl: string, { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: InstanceName): string {
  return `${baseUrl}/studies/${StudyInstanceUID}/series/${SeriesInstanceUID}/instances/${SOPInstanceUID}`;
}
