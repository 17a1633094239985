/** Images that are stored and whose study has still to be settled. */
export interface UnsettledStore {
  /** In the transaction that stored them. */
  owe(StudyInstanceUID: string, SOPInstanceUIDs: readonly string[]): Promise<void>;
  /** Takes what is owed for a study, whose lock the caller holds; @returns those of its images that are still there. */
  take(StudyInstanceUID: string): Promise<string[]>;
  /** Studies that have been owed for longer. */
  since(seconds: number, limit: number): Promise<string[]>;
}
