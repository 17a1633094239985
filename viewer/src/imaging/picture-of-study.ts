import type { ImagingStudy } from '@medplum/fhirtypes';
import type { InstanceAddress } from '../api/dicomweb.ts';
import { studyUidOf } from '../api/review/work-item.ts';

/** Modalities without a picture of the patient. */
const withoutPicture = new Set(['SR', 'PR', 'KO', 'SEG', 'DOC', 'RTSTRUCT', 'RTPLAN', 'REG', 'AU', 'ECG']);
const secondaryCapture = 'urn:oid:1.2.840.10008.5.1.4.1.1.7';

/** The image that stands for a study: the middle one of its first series with pictures, an original before a derived one. */
export function pictureOf(study: ImagingStudy): InstanceAddress | undefined {
  const StudyInstanceUID = studyUidOf(study);
  const series = (study.series ?? []).filter((each) => !withoutPicture.has(each.modality.code ?? ''));
  const originals = series.filter((each) =>
    each.instance?.some((instance) => instance.sopClass.code !== secondaryCapture),
  );
  const chosen = [...originals, ...series].find((each) => (each.instance?.length ?? 0) > 0);
  const instances = chosen?.instance ?? [];
  const SOPInstanceUID = instances[Math.floor((instances.length - 1) / 2)]?.uid;
  if (StudyInstanceUID === undefined || chosen?.uid === undefined || SOPInstanceUID === undefined) return undefined;
  return { StudyInstanceUID, SeriesInstanceUID: chosen.uid, SOPInstanceUID };
}
