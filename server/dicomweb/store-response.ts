import type { DicomJson } from '../core/dicom/json.ts';
import type { InstanceName, InstanceOutcome } from '../core/studies/outcome.ts';
import { failureReason } from './failure-reason.ts';

/** Warning Reason (0008,1196): a value does not fit what the SOP class says of it (PS3.18 Table I.2-1). */
const valuesLeftOut = 0xb007;
/** Of our own, as the table allows: what a rejection note says of the instance, or did not reach. */
const ofRejection = 0xb0a0;

/** 200 all stored, 202 some, 409 none (PS3.18 10.5.3). */
export function storeStatus(instances: InstanceOutcome[]): 200 | 202 | 409 {
  const failures = instances.filter(({ status }) => status === 'failed').length;
  if (failures === 0) return 200;
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
      stored.map(({ name, warning, about }) => ({
        ...reference(name),
        ...(warning !== undefined && {
          '00081196': { vr: 'US', Value: [about === 'rejection' ? ofRejection : valuesLeftOut] },
        }),
        '00081190': { vr: 'UR', Value: [instanceUrl(baseUrl, name)] },
      })),
    ),
    ...sequence(
      '0008119A',
      nameless.map(({ reason }) => ({ '00081197': { vr: 'US', Value: [failureReason[reason]] } })),
    ),
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
