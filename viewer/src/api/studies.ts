/** The list of studies by QIDO-RS (PS3.18 10.6), as any DICOM system asks for it. */
import { numbers, personName, text, values, type DicomDataset } from './dicom-json.ts';

/** What somebody looks for; empty strings look for anything. Days are `YYYY-MM-DD`. */
export interface StudySearch {
  PatientName: string;
  PatientID: string;
  AccessionNumber: string;
  StudyDescription: string;
  ModalitiesInStudy: string;
  from: string;
  to: string;
}

export interface FoundStudy {
  uid: string;
  /** `YYYY-MM-DD`, as far as it is known. */
  date: string | undefined;
  patient: string | undefined;
  patientId: string | undefined;
  accession: string | undefined;
  description: string | undefined;
  modalities: string[];
  series: number;
  images: number;
}

export interface StudyPage {
  studies: FoundStudy[];
  total: number;
}

const shown = ['StudyDescription', 'ReferringPhysicianName'];

/** Query parameters of the search. */
export function studyQuery(
  search: StudySearch,
  page: { sort: string; limit: number; offset: number },
): URLSearchParams {
  const query = new URLSearchParams();
  const put = (name: string, value: string) => value !== '' && query.append(name, value);
  // Fuzzy: each word begins some word of the name, in any order.
  put('PatientName', search.PatientName.trim().replaceAll(/[\s,]+/g, ' '));
  put('PatientID', search.PatientID.trim());
  put('AccessionNumber', search.AccessionNumber.trim());
  put('StudyDescription', inPart(search.StudyDescription.trim()));
  put('ModalitiesInStudy', search.ModalitiesInStudy);
  if (search.from !== '' || search.to !== '') put('StudyDate', `${day(search.from)}-${day(search.to)}`);
  if (search.PatientName.trim() !== '') put('fuzzymatching', 'true');
  for (const field of shown) query.append('includefield', field);
  put('orderby', page.sort);
  query.append('limit', String(page.limit));
  query.append('offset', String(page.offset));
  return query;
}

/** DICOM's wild card (PS3.4 C.2.2.2.4) around what was typed, unless somebody set some. */
function inPart(typed: string): string {
  return typed === '' || /[*?]/.test(typed) ? typed : `*${typed}*`;
}

const day = (date: string): string => date.replaceAll('-', '');

export function foundStudy(dataset: DicomDataset): FoundStudy {
  const date = text(dataset, 'StudyDate')?.match(/^(\d{4})(\d{2})(\d{2})$/);
  return {
    uid: text(dataset, 'StudyInstanceUID') ?? '',
    date: date ? date.slice(1).join('-') : undefined,
    patient: personName(dataset, 'PatientName'),
    patientId: text(dataset, 'PatientID'),
    accession: text(dataset, 'AccessionNumber'),
    description: text(dataset, 'StudyDescription'),
    modalities: values(dataset, 'ModalitiesInStudy').filter((each): each is string => typeof each === 'string'),
    series: numbers(dataset, 'NumberOfStudyRelatedSeries')[0] ?? 0,
    images: numbers(dataset, 'NumberOfStudyRelatedInstances')[0] ?? 0,
  };
}
