/** What a search returns for each match, asked for or not (PS3.18 Tables 10.6.3-3 to 10.6.3-5). */
import type { StudyQuery } from './study-store.ts';
import type { DicomJson } from '../dicom/json.ts';
import { own, put } from '../table.ts';

type Level = StudyQuery['level'];

/** Required keys, and behind them what viewers ask for in every list. Tags with their VR. */
const returnKeys: Record<Level, Readonly<Record<string, string>>> = {
  study: {
    '00080020': 'DA', // Study Date
    '00080030': 'TM', // Study Time
    '00080050': 'SH', // Accession Number
    '00080056': 'CS', // Instance Availability
    '00080061': 'CS', // Modalities in Study
    '00080090': 'PN', // Referring Physician's Name
    '00081190': 'UR', // Retrieve URL
    '00100010': 'PN', // Patient's Name
    '00100020': 'LO', // Patient ID
    '00100030': 'DA', // Patient's Birth Date
    '00100040': 'CS', // Patient's Sex
    '0020000D': 'UI', // Study Instance UID
    '00200010': 'SH', // Study ID
    '00201206': 'IS', // Number of Study Related Series
    '00201208': 'IS', // Number of Study Related Instances
    '00081030': 'LO', // Study Description
  },
  series: {
    '00080060': 'CS', // Modality
    '0008103E': 'LO', // Series Description
    '00081190': 'UR', // Retrieve URL
    '0020000D': 'UI', // Study Instance UID
    '0020000E': 'UI', // Series Instance UID
    '00200011': 'IS', // Series Number
    '00201209': 'IS', // Number of Series Related Instances
    '00400244': 'DA', // Performed Procedure Step Start Date
    '00400245': 'TM', // Performed Procedure Step Start Time
    '00400275': 'SQ', // Request Attributes Sequence
    '00080021': 'DA', // Series Date
    '00080031': 'TM', // Series Time
  },
  instance: {
    '00080016': 'UI', // SOP Class UID
    '00080018': 'UI', // SOP Instance UID
    '00080056': 'CS', // Instance Availability
    '00081190': 'UR', // Retrieve URL
    '0020000D': 'UI', // Study Instance UID
    '0020000E': 'UI', // Series Instance UID
    '00200013': 'IS', // Instance Number
    '00280008': 'IS', // Number of Frames
    '00280010': 'US', // Rows
    '00280011': 'US', // Columns
    '00280100': 'US', // Bits Allocated
  },
};

/** Required only where they are known: an empty one would say something else. */
const returnedIfKnown: Record<Level, readonly string[]> = {
  study: ['00080201'],
  series: ['00080201'],
  instance: ['00080201'],
};

/**
 * What a search gives of each match, as dotted paths: keys of the level, of the levels above that the path does not name
 * (PS3.18 10.6.3.3), what was matched and what was asked for.
 */
export function returnedPaths(query: StudyQuery): string[] {
  const levels: Level[] = [query.level];
  if (query.level !== 'study' && query.StudyInstanceUID === undefined) levels.push('study');
  if (query.level === 'instance' && query.SeriesInstanceUID === undefined) levels.push('series');
  const required = levels.flatMap((level) => [...Object.keys(returnKeys[level]), ...returnedIfKnown[level]]);
  return [
    '00080005',
    ...required,
    ...query.match.map(({ path }) => path),
    ...(query.include === 'all' ? [] : query.include),
  ];
}

/**
 * The attributes of a match that are returned, in the order of their tags; required ones that it lacks without a value.
 * The Retrieve URL is left to the face, which knows its address.
 *
 * @param paths `returnedPaths` of the query, made once for all matches
 */
export function returned(attributes: DicomJson, query: StudyQuery, paths: readonly string[]): DicomJson {
  const required = new Map(
    Object.entries({ ...(query.StudyInstanceUID === undefined && returnKeys.study), ...returnKeys[query.level] }),
  );
  const tags = query.include === 'all' ? [...Object.keys(attributes), ...paths] : paths;
  const chosen: DicomJson = {};
  for (const tag of [...new Set(tags.map((path) => path.slice(0, 8)))].sort()) {
    const element = own(attributes, tag);
    if (element) put(chosen, tag, element);
    else if (required.has(tag) && tag !== '00081190') put(chosen, tag, { vr: required.get(tag)! });
  }
  return chosen;
}
