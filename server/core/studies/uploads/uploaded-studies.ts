/** Which account brought which study: what it brought it may add to, and to no other. */
export interface UploadedStudies {
  brought(StudyInstanceUID: string, account: string): Promise<boolean>;
  /** Safe to repeat. */
  note(StudyInstanceUIDs: readonly string[], account: string): Promise<void>;
}
