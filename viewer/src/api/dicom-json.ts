/** Reading DICOM JSON (PS3.18 Annex F) as QIDO-RS and WADO-RS metadata give it. */

export interface DicomElement {
  vr: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}
/** Keys are 8-digit upper-case hex tags. */
export type DicomDataset = Record<string, DicomElement | undefined>;

/** The attributes that this viewer reads, by DICOM keyword. */
export const tags = {
  SpecificCharacterSet: '00080005',
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  StudyDate: '00080020',
  AccessionNumber: '00080050',
  Modality: '00080060',
  ModalitiesInStudy: '00080061',
  StudyDescription: '00081030',
  SeriesDescription: '0008103E',
  PatientName: '00100010',
  PatientID: '00100020',
  BodyPartExamined: '00180015',
  StudyInstanceUID: '0020000D',
  SeriesInstanceUID: '0020000E',
  SeriesNumber: '00200011',
  InstanceNumber: '00200013',
  ImagePositionPatient: '00200032',
  ImageOrientationPatient: '00200037',
  NumberOfStudyRelatedSeries: '00201206',
  NumberOfStudyRelatedInstances: '00201208',
  NumberOfSeriesRelatedInstances: '00201209',
  SamplesPerPixel: '00280002',
  PhotometricInterpretation: '00280004',
  PlanarConfiguration: '00280006',
  NumberOfFrames: '00280008',
  Rows: '00280010',
  Columns: '00280011',
  PixelSpacing: '00280030',
  BitsAllocated: '00280100',
  BitsStored: '00280101',
  HighBit: '00280102',
  PixelRepresentation: '00280103',
  WindowCenter: '00281050',
  WindowWidth: '00281051',
  RescaleIntercept: '00281052',
  RescaleSlope: '00281053',
  PixelData: '7FE00010',
} as const;

export type Keyword = keyof typeof tags;

export function values(dataset: DicomDataset, keyword: Keyword): unknown[] {
  return dataset[tags[keyword]]?.Value ?? [];
}

export function text(dataset: DicomDataset, keyword: Keyword): string | undefined {
  const [first] = values(dataset, keyword);
  if (typeof first === 'string') return first === '' ? undefined : first;
  return typeof first === 'number' ? String(first) : undefined;
}

/** IS and DS may arrive as numbers or as their text (PS3.18 F.2.3). */
export function numbers(dataset: DicomDataset, keyword: Keyword): number[] {
  return values(dataset, keyword)
    .map((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value))
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
}

export function number(dataset: DicomDataset, keyword: Keyword): number | undefined {
  return numbers(dataset, keyword)[0];
}

/** A person's name, "Family, Given" from its alphabetic group (PS3.5 6.2.1). */
export function personName(dataset: DicomDataset, keyword: Keyword): string | undefined {
  const [first] = values(dataset, keyword);
  const group = (first as { Alphabetic?: unknown } | undefined)?.Alphabetic;
  if (typeof group !== 'string') return undefined;
  const [family, ...others] = group.split('^').map((part) => part.trim());
  const given = others.filter((part) => part !== '').join(' ');
  return [family, given].filter((part) => part !== undefined && part !== '').join(', ') || undefined;
}
