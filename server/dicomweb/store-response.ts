import type { DicomJson } from '../core/dicom/json.ts';
import type { HoldReason } from '../core/studies/held-instance.ts';
import type { InstanceName, InstanceOutcome } from '../core/studies/outcome.ts';
import { failureReason } from './failure-reason.ts';

/** Warning Reason (0008,1196): a value does not fit what the SOP class says of it (PS3.18 Table I.2-1). */
const valuesLeftOut = 0xb007;
/** Of our own, as the table allows: what a rejection note says of the instance, or did not reach. */
const ofRejection = 0xb0a0;

/** Of our own: the file broke PS3.10 or PS3.5, and is stored as it should have been. */
const repaired = 0xb0a4;

/** Coercion of data elements (PS3.18 Table I.2-1, PS3.4 Table B.2-1): answers show another value than was sent. */
const coerced = 0xb000;
/** Of our own: its bytes are safe and need not be sent again, and nobody finds it before a human has decided. */
const held: Record<HoldReason, number> = { 'other-patient': 0xb0a1, 'unclear-patient': 0xb0a2, corrected: 0xb0a3 };

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

function warningReason(outcome: Taken): number | undefined {
  if (outcome.status === 'held') return held[outcome.why];
  if (outcome.warning === undefined) return undefined;
  if (outcome.about === 'coercion') return coerced;
  if (outcome.about === 'repair') return repaired;
  return outcome.about === 'rejection' ? ofRejection : valuesLeftOut;
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
