/** Rejection notes: Key Object Selection Documents that take images back (IHE RAD-66; PS3.3 A.35.4, CID 7010 and 7011). */
import { items, text } from '../dicom/attribute-values.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import { isUid } from '../dicom/uid.ts';
import { isRemovalReason, type RemovalReason } from './removal-reasons.ts';

export interface Rejection {
  reason: RemovalReason;
  /** SOP Instance UIDs by their Study Instance UID. */
  named: ReadonlyMap<string, readonly string[]>;
}

export const keyObjectSelection = '1.2.840.10008.5.1.4.1.1.88.59';

/** Of one note. A study of more images than that is rejected by several. */
export const mostNamed = 20_000;
export const mostStudiesNamed = 50;
/** Characters of a note's header as JSON: those of the most references, and some. */
const longestNote = 4 << 20;

/** Whether an instance is a rejection note, by its title. */
export function isRejectionNote({ SOPClassUID, attributes }: Pick<InstanceRow, 'SOPClassUID' | 'attributes'>): boolean {
  return SOPClassUID === keyObjectSelection && titleOf(attributes) !== undefined;
}

/**
 * What a note rejects: all that its Current Requested Procedure Evidence Sequence (0040,A375) names, of whatever study,
 * but for itself.
 *
 * @returns undefined for what is no rejection note; `too-long` when it names more than is acted on at once.
 */
export function rejectionOf(row: InstanceRow): Rejection | 'too-long' | undefined {
  if (!isRejectionNote(row)) return undefined;
  if ((row.long?.attributes?.length ?? 0) > longestNote) return 'too-long';
  const attributes =
    row.long?.attributes === undefined ? row.attributes : (JSON.parse(row.long.attributes) as DicomJson);
  const named = new Map<string, Set<string>>();
  let left = mostNamed;
  for (const study of items(attributes, '0040A375')) {
    const uid = text(study, '0020000D');
    if (uid === undefined || !isUid(uid)) continue;
    for (const sop of instancesOf(study)) {
      if (sop === row.SOPInstanceUID) continue;
      if (!named.has(uid)) named.set(uid, new Set());
      named.get(uid)!.add(sop);
      if (--left < 0 || named.size > mostStudiesNamed) return 'too-long';
    }
  }
  return {
    reason: titleOf(attributes)!,
    named: new Map([...named].map(([uid, instances]) => [uid, [...instances]])),
  };
}

function titleOf(attributes: DicomJson): RemovalReason | undefined {
  const [title] = items(attributes, '0040A043');
  const code = text(title, '00080100');
  return text(title, '00080102') === 'DCM' && isRemovalReason(code) ? code : undefined;
}

function* instancesOf(study: DicomJson): Generator<string> {
  for (const series of items(study, '00081115'))
    for (const reference of items(series, '00081199')) {
      const uid = text(reference, '00081155');
      if (uid !== undefined && isUid(uid)) yield uid;
    }
}
