import type { Narrowing } from '../access/narrowing.ts';
import type { DataSetCoercion } from '../dicom/coerced-data-set.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import type { Coercion } from './study-coercion.ts';

export interface StudyRow {
  StudyInstanceUID: string;
  /** FHIR ids that the study is tied to. */
  patientId: string;
  imagingStudyId: string;
  /** Rises with every change of the study's content; the ETag of its metadata. */
  revision: number;
  numberOfSeries: number;
  numberOfInstances: number;
  /** Its answers show other attributes of the patient than its images (`coerce`). */
  coerced: boolean;
}

/** A study by level. The attributes of a level are those of its first instance, blanks filled from later series. */
export interface StudyContent {
  attributes: DicomJson;
  series: {
    SeriesInstanceUID: string;
    attributes: DicomJson;
    numberOfInstances: number;
    instances: { SOPInstanceUID: string; SOPClassUID: string; InstanceNumber?: number; title?: string }[];
  }[];
}

/** A study, a series of it, or one instance, as the path of WADO-RS names it. */
export interface StudyPart {
  StudyInstanceUID: string;
  SeriesInstanceUID?: string;
  SOPInstanceUID?: string;
}

/** Whose an instance is, for the audit trail. */
export type StudyTie = Pick<StudyRow, 'patientId' | 'imagingStudyId'>;

/** An instance without what can be long: those of a whole study fit into memory. */
export interface InstanceAddress
  extends
    StudyTie,
    Pick<
      InstanceRow,
      | 'StudyInstanceUID'
      | 'SeriesInstanceUID'
      | 'SOPInstanceUID'
      | 'SOPClassUID'
      | 'TransferSyntaxUID'
      | 'blob'
      | 'size'
    > {
  /** It has pixel data. */
  isImage: boolean;
  /** Bytes of its attributes as they are stored, compressed. */
  weight: number;
  /** What it is given out with, where that is not what it says itself; null for nearly all. */
  coerced: InstanceCoercion | null;
}

/** What of a study's coercion one instance says otherwise. */
export interface InstanceCoercion extends DataSetCoercion {
  /** Stands for the coercion and for what of it is shown. */
  version: string;
  /** Deflated transfer syntax only: the blob of the inflated copy. */
  inflated: string | null;
}

export type LocatedInstance = InstanceRow & StudyTie;

export type ImageAttributes = Pick<
  InstanceRow,
  'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID' | 'attributes'
>;

/** Whether more images of a study are waited for. */
export interface StudyGrowth {
  /** An image came a short time ago, and nobody said that it was the last. */
  growing: boolean;
  /** The study counted as complete once, so that what comes now is late. */
  wasComplete: boolean;
}

export interface StudyStore {
  /** Locks the study (serialises senders of one study) and returns its row if it exists. */
  lockStudy(StudyInstanceUID: string): Promise<StudyRow | undefined>;
  /**
   * Gives SOP Instance UIDs to studies, each to the first that comes, for a UID names one instance of the whole archive.
   * @returns for each, in order, whether it belongs to its study now: the name does, or an earlier release stored it there.
   */
  claimNames(rows: Pick<InstanceRow, 'StudyInstanceUID' | 'SOPInstanceUID'>[]): Promise<boolean[]>;
  /** Inserts what is new (INSERT ... ON CONFLICT DO NOTHING) and returns the row that stands for each, in order. */
  insertInstances(rows: InstanceRow[]): Promise<{ row: InstanceRow; inserted: boolean }[]>;
  /** Creates or updates the study's row with counts and query keys recomputed from its instances; revision + 1. */
  settle(StudyInstanceUID: string, tie: { patientId: string; imagingStudyId: string }): Promise<StudyRow>;
  /**
   * From now on answers show these attributes in place of what the images say, also of images that come later; undefined:
   * the images' own again. Query keys follow at once, revision + 1. Whoever calls holds the study's lock, and settles the
   * study after it where its ImagingStudy must follow.
   */
  coerce(StudyInstanceUID: string, coercion: Coercion | undefined): Promise<void>;
  study(StudyInstanceUID: string): Promise<StudyRow | undefined>;
  /** Study Instance UIDs of a patient's studies, sorted: the order in which several are locked. */
  studiesOf(patientId: string): Promise<string[]>;
  /** How many series and instances somebody announced; the study is complete when both are there. */
  expect(StudyInstanceUID: string, expected: { series?: number; instances?: number }): Promise<void>;
  /**
   * Images came: the study is complete when none follows for so long, never earlier than another sender's time says;
   * at once when all that was announced is there.
   *
   * @returns `began`: it did not grow before; `seconds`: until it is complete, as things are.
   */
  grow(StudyInstanceUID: string, quietSeconds: number): Promise<{ began: boolean; seconds: number }>;
  /**
   * Makes a study that grows complete, if its time has come or `atOnce`.
   *
   * @returns the seconds that are left if it has not come; undefined if the study does not grow.
   */
  completeIfDue(StudyInstanceUID: string, atOnce?: boolean): Promise<'complete' | number | undefined>;
  growth(StudyInstanceUID: string): Promise<StudyGrowth>;
  /** ImagingStudies of studies whose time came more than that ago and that are not complete yet. */
  overdue(seconds: number, limit: number): Promise<string[]>;
  /** The study that an ImagingStudy is tied to. Whoever is about to tie one holds the record's lock. */
  tiedTo(imagingStudyId: string): Promise<string | undefined>;
  /** What ImagingStudy is derived from: attributes of each level, and a line for each instance, in number order. */
  content(StudyInstanceUID: string): Promise<StudyContent>;
  /**
   * Where the instances of a part lie, ordered by series number, instance number, UID. The narrowing is of ImagingStudy:
   * what the caller may not see is not there.
   */
  addresses(part: StudyPart, narrowing: Narrowing): Promise<InstanceAddress[]>;
  /** The one in the middle of the images in these transfer syntaxes, in the same order. */
  middleImage(part: StudyPart, narrowing: Narrowing, syntaxes: readonly string[]): Promise<InstanceAddress | undefined>;
  /**
   * One instance with its attributes, bulk values and frames.
   *
   * @param framesOfPictures only what drawing these frames (from 0) asks for: of a long header the attributes of pixels
   * and the functional groups of these frames. Parsing all of a slide's for each of its tiles would hold up everybody.
   */
  instance(
    name: Required<StudyPart>,
    narrowing: Narrowing,
    framesOfPictures?: readonly number[],
  ): Promise<LocatedInstance | undefined>;
  /** Some attributes of the images of a study, in the order of `addresses`; of those `among` which are images, if given. */
  imageAttributes(
    StudyInstanceUID: string,
    tags: readonly string[],
    among?: readonly string[],
  ): Promise<ImageAttributes[]>;
  /**
   * Attributes of instances of one study as JSON text, in the order of the names; coerced as the study is.
   * @param originals with the item of Original Attributes Sequence that says what they were
   */
  attributesOf(StudyInstanceUID: string, SOPInstanceUIDs: string[], originals?: boolean): Promise<string[]>;
  /**
   * QIDO-RS (PS3.18 10.6): one DICOM JSON object for each match, without Retrieve URL and without values as long as
   * those of functional groups. `cut`: there are more that the limit would allow, but the page would be too long.
   */
  find(query: StudyQuery, narrowing: Narrowing): Promise<{ matches: FoundStudy[]; cut: boolean }>;
  countOfFind(query: StudyQuery, narrowing: Narrowing): Promise<number>;
  /** Blobs that some row names, for the sweep. */
  blobsInUse(candidates: string[]): Promise<Set<string>>;
}

/** One match of a search, at the level that was asked for. */
export interface FoundStudy {
  attributes: DicomJson;
  /** FHIR id of the Patient, for the audit trail. */
  patientId: string;
}

/** A parsed QIDO-RS (or C-FIND) request; attribute keys are 8-digit upper-case hex tags or dotted paths of them. */
export interface StudyQuery {
  level: 'study' | 'series' | 'instance';
  StudyInstanceUID?: string;
  SeriesInstanceUID?: string;
  match: { path: string; vr: string; value: string }[];
  include: string[] | 'all';
  /** Of studies; without it the newest come first. */
  order?: { path: string; descending: boolean }[];
  fuzzy: boolean;
  /** A key of zero length asks for absent values instead of any (PS3.4 C.2.2.2.7). */
  emptyValueMatching: boolean;
  /** A backslash in a value separates alternatives (PS3.4 C.2.2.2.8); in UIDs it always does. */
  multipleValueMatching: boolean;
  limit: number;
  offset: number;
}
