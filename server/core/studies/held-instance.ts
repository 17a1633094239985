import type { InstanceRow } from '../dicom/instance.ts';
import type { Principal } from '../principal.ts';

/** Why an image is not stored before a human has decided. */
export type HoldReason =
  | 'other-patient' // its study is another patient's
  | 'unclear-patient' // several patients, or several registered studies, could be meant
  | 'corrected'; // it is stored already, with other attributes of patient or order

/** An image whose bytes are kept, and which nobody finds until a human has decided. */
export interface HeldInstance {
  row: InstanceRow;
  why: HoldReason;
  sender: Pick<Principal, 'kind' | 'subject' | 'clientId'>;
}

/** What is stored under the name of an instance that arrives. */
export interface StandingCopy {
  row: Pick<InstanceRow, 'blob' | 'inflated' | 'bulk'>;
  /** Their attributes are the same: all of them, or all that are not of the patient or the order. */
  alike: 'all' | 'apart' | undefined;
}

export interface HeldStore {
  /**
   * Keeps them; of several under one name the first.
   * @returns for each, in order, whether it is the one that waits.
   */
  hold(instances: readonly HeldInstance[]): Promise<boolean[]>;
  /** Those of a study in order of arrival, from a place on, as many as fit into memory at a time. */
  page(StudyInstanceUID: string, from?: number): Promise<{ instances: HeldInstance[]; next?: number }>;
  count(StudyInstanceUID: string): Promise<number>;
  /** Forgets those of a study. @returns their names. */
  drop(
    StudyInstanceUID: string,
  ): Promise<Pick<InstanceRow, 'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID'>[]>;
  /** What stands under their names in their studies, compared with them. @param apart tags that do not count. */
  standing(rows: readonly InstanceRow[], apart: readonly string[]): Promise<Map<InstanceRow, StandingCopy>>;
}
