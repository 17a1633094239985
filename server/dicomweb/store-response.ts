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

/** Store Instances Response Module (PS3.18 Annex I). */
export function storeResponse(instances: InstanceOutcome[], baseUrl: string, studyUID: string | undefined): DicomJson {
  const stored = instances.filter((outcome) => outcome.status !== 'failed');
  const refused = instances.filter((outcome) => outcome.status === 'failed');
  const named = refused.filter(({ name }) => name !== undefined);
  const nameless = refused.filter(({ name }) => name === undefined);
  const studies = new Set(stored.map(({ name }) => name.StudyInstanceUID));
  const study = studyUID ?? (studies.size === 1 ? [...studies][0] : undefined);
  return {
    // Type 2: without a value when the instances belong to several studies.
    '00081190': study === undefined ? { vr: 'UR' } : { vr: 'UR', Value: [`${baseUrl}/studies/${study}`] },
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
        '00081190': { vr: 'UR', ...(outcome.status !== 'held' && { Value: [instanceUrl(baseUrl, outcome.name)] }) },
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
