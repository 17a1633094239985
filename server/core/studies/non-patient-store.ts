import type { NonPatientKind } from '../dicom/non-patient-classes.ts';
import type { StudyQuery } from './study-store.ts';

/** An instance that belongs to no patient: a colour palette, a hanging protocol ... */
export interface NonPatientRow {
  kind: NonPatientKind;
  SOPInstanceUID: string;
  SOPClassUID: string;
  TransferSyntaxUID: string;
  blob: string;
  size: number;
  /** Its attributes as JSON text. */
  attributes: string;
  /** Where the values lie that the attributes leave out, as JSON text. */
  bulk: string;
}

export interface NonPatientStore {
  /** Inserts what is new. @returns the blob of the one that stands, and whether it is this one. */
  insert(row: NonPatientRow): Promise<{ blob: string; inserted: boolean }>;
  one(kind: NonPatientKind, SOPInstanceUID: string): Promise<NonPatientRow | undefined>;
  /** Attributes of matches as JSON text, without values as long as those of bulk data; newest first. */
  find(
    kind: NonPatientKind,
    query: Pick<StudyQuery, 'match' | 'fuzzy' | 'emptyValueMatching' | 'multipleValueMatching' | 'limit' | 'offset'>,
  ): Promise<{ attributes: string[]; total: number }>;
}
