/** From WADO-RS metadata of a study to the series that a viewer shows, each in reading order. */
import { number, numbers, personName, text, type DicomDataset } from '../api/dicom-json.ts';
import { instanceUrl } from '../api/dicomweb.ts';
import type { ImageSubject } from './subject.ts';

export interface SeriesOfImages {
  SeriesInstanceUID: string;
  number: number | undefined;
  modality: string;
  description: string | undefined;
  /** In reading order; those with pixel data only. */
  instances: DicomDataset[];
  frames: FrameAddress[];
}

export interface FrameAddress {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
  /** From 1. */
  frame: number;
}

/** Series with something to look at, by series number. Reports, measurements and PDFs have no pixels and are left out. */
export function seriesOf(instances: readonly DicomDataset[]): SeriesOfImages[] {
  const bySeries = new Map<string, DicomDataset[]>();
  for (const instance of instances) {
    const uid = text(instance, 'SeriesInstanceUID');
    const hasPixels = (number(instance, 'Rows') ?? 0) > 0 && (number(instance, 'Columns') ?? 0) > 0;
    if (uid === undefined || !hasPixels) continue;
    bySeries.set(uid, [...(bySeries.get(uid) ?? []), instance]);
  }
  return [...bySeries]
    .map(([uid, members]) => seriesFrom(uid, inReadingOrder(members)))
    .sort(
      (a, b) =>
        (a.number ?? Infinity) - (b.number ?? Infinity) || a.SeriesInstanceUID.localeCompare(b.SeriesInstanceUID),
    );
}

function seriesFrom(uid: string, instances: DicomDataset[]): SeriesOfImages {
  const [first = {}] = instances;
  return {
    SeriesInstanceUID: uid,
    number: number(first, 'SeriesNumber'),
    modality: text(first, 'Modality') ?? 'OT',
    description: text(first, 'SeriesDescription'),
    instances,
    frames: instances.flatMap(framesOf),
  };
}

function framesOf(instance: DicomDataset): FrameAddress[] {
  const StudyInstanceUID = text(instance, 'StudyInstanceUID');
  const SeriesInstanceUID = text(instance, 'SeriesInstanceUID');
  const SOPInstanceUID = text(instance, 'SOPInstanceUID');
  if (StudyInstanceUID === undefined || SeriesInstanceUID === undefined || SOPInstanceUID === undefined) return [];
  const count = Math.max(1, number(instance, 'NumberOfFrames') ?? 1);
  return Array.from({ length: count }, (_, at) => ({
    StudyInstanceUID,
    SeriesInstanceUID,
    SOPInstanceUID,
    frame: at + 1,
  }));
}

/**
 * By position along the slice normal where every image states the same orientation (PS3.3 C.7.6.2.1.1),
 * else by instance number: numbers of a CT may run against the anatomy or be missing.
 */
export function inReadingOrder(instances: readonly DicomDataset[]): DicomDataset[] {
  const byNumber = [...instances].sort(
    (a, b) => (number(a, 'InstanceNumber') ?? 0) - (number(b, 'InstanceNumber') ?? 0),
  );
  const depths = new Map(byNumber.map((instance) => [instance, depthOf(instance)]));
  const orientation = orientationOf(byNumber[0]);
  const parallel = byNumber.every(
    (instance) => depths.get(instance) !== undefined && orientationOf(instance) === orientation,
  );
  const distinct = new Set(depths.values()).size === byNumber.length;
  if (!parallel || !distinct || byNumber.length < 2) return byNumber;
  const sorted = [...byNumber].sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0));
  // Keep the direction in which the numbers run: the first image of the scanner stays the first.
  return sorted[0] === byNumber.at(-1) ? sorted.reverse() : sorted;
}

function orientationOf(instance: DicomDataset | undefined): string {
  return instance
    ? numbers(instance, 'ImageOrientationPatient')
        .map((cosine) => cosine.toFixed(3))
        .join(' ')
    : '';
}

/** Millimetres along the normal of the image plane. */
function depthOf(instance: DicomDataset): number | undefined {
  const [x, y, z] = numbers(instance, 'ImagePositionPatient');
  const [a, b, c, d, e, f] = numbers(instance, 'ImageOrientationPatient');
  if ([x, y, z, a, b, c, d, e, f].includes(undefined)) return undefined;
  const normal = [b! * f! - c! * e!, c! * d! - a! * f!, a! * e! - b! * d!] as const;
  return x! * normal[0] + y! * normal[1] + z! * normal[2];
}

export function frameUrl(base: string, address: FrameAddress): string {
  return `${instanceUrl(base, address)}/frames/${address.frame}`;
}

/** Who the images say they are of: two identifiers to hold against the record. */
export function subjectOf(instances: readonly DicomDataset[]): ImageSubject | undefined {
  const [first] = instances;
  return first && { name: personName(first, 'PatientName'), id: text(first, 'PatientID') };
}
