import type { Identifier, ImagingStudy } from '@medplum/fhirtypes';
import { sameJson } from '../r4/same-json.ts';
import { systems } from '../vocabulary/systems.ts';

/**
 * The element in which two versions of a stored study's ImagingStudy differ although the images, and the index, decide
 * it; undefined if they differ in what people write only: description, notes, reasons, order, referrer and the like,
 * which `imagingStudy` leaves as it finds them.
 */
export function changedDerivedElement(before: ImagingStudy, after: ImagingStudy): string | undefined {
  const names = [
    'subject',
    'status',
    'started',
    'modality',
    'endpoint',
    'numberOfSeries',
    'numberOfInstances',
  ] as const;
  const changed = names.find((name) => !sameJson(before[name], after[name]));
  if (changed) return changed;
  if (!sameJson(before.identifier?.filter(isOfImages), after.identifier?.filter(isOfImages))) return 'identifier';
  return sameJson(seriesOf(before), seriesOf(after)) ? undefined : 'series';
}

/** Study Instance UID, accession number and Study ID; others stand beside them. */
function isOfImages({ system, type }: Identifier): boolean {
  return (
    system === systems.studyUid ||
    type?.coding?.some(({ code }) => code === 'ACSN') === true ||
    type?.text === 'Study ID'
  );
}

function seriesOf({ series }: ImagingStudy) {
  return (series ?? []).map(({ uid, number, modality, numberOfInstances, instance, started, endpoint }) => ({
    uid, number, modality, numberOfInstances, instance, started, endpoint,
  })); // prettier-ignore
}
