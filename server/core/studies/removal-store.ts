import type { RemovalReason } from './removal-reasons.ts';

/** The name of one instance: its study and itself. */
export interface StoredName {
  StudyInstanceUID: string;
  SOPInstanceUID: string;
}

/** Why, by whom and until when instances are put aside. */
export interface Removing {
  reason: RemovalReason;
  /** The rejection note that asks for it; none for a deletion. */
  note?: StoredName;
  /** Kind and subject of the caller. */
  by: string;
  requestId?: string;
  at: Date;
  purgeAfter: Date;
}

/** What stands against storing an instance. */
export interface Obstacle extends StoredName {
  reason: RemovalReason;
  /** It is put aside: not shown, but there. */
  removed: boolean;
  /** A rejection note names it, or it was deleted for patient safety. */
  barred?: {
    note?: StoredName;
    /** Of whom that was said. */
    patientId: string;
    /** It was here, and is gone for good. */
    purged: boolean;
  };
}

/** An instance that is put aside. */
export interface RemovedInstance extends StoredName {
  SeriesInstanceUID: string;
  reason: RemovalReason;
  byNote: boolean;
}

/** Instances that were removed, and names that must not be shown. The caller holds the study's lock wherever something changes. */
export interface RemovalStore {
  /** Those of the named instances of a study that are rejection notes themselves. */
  notesAmong(StudyInstanceUID: string, SOPInstanceUIDs: readonly string[]): Promise<string[]>;
  /** Moves instances out of the index. @returns those that were in it. */
  putAside(StudyInstanceUID: string, SOPInstanceUIDs: readonly string[], why: Removing): Promise<string[]>;
  /** Keeps names from being shown, whether their instances are here or not yet. What is said of a name already stays, but for patient safety. */
  bar(
    StudyInstanceUID: string,
    SOPInstanceUIDs: readonly string[],
    why: Pick<Removing, 'reason' | 'note' | 'by' | 'at'> & { patientId: string },
  ): Promise<void>;
  /** What stands against storing these; nothing for most. */
  obstacles(names: readonly StoredName[]): Promise<Obstacle[]>;
  removed(StudyInstanceUID: string): Promise<RemovedInstance[]>;
  /** Moves instances back to where they were, and their names are free of what was said of them. */
  bringBack(StudyInstanceUID: string, SOPInstanceUIDs: readonly string[]): Promise<void>;
  /** Forgets removed instances, so that others may be stored in their place. */
  forget(names: readonly StoredName[]): Promise<void>;
  /** Studies that have removed instances past their time. */
  due(at: Date, limit: number): Promise<string[]>;
  /**
   * Removes those of a study for good; a study of which nothing is left loses its row. Barred names stay barred.
   * @returns their UIDs.
   */
  purge(StudyInstanceUID: string, at: Date): Promise<string[]>;
}
