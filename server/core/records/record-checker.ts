import type { ValidationIssue } from '../validation/validate-issue.ts';

/**
 * What is done with the whole of a record and costs more the longer it is. Beyond a few kilobytes in worker threads, so
 * that nobody else waits for it.
 */
export interface RecordChecker {
  /**
   * Everything that is wrong with a resource, in document order; at most 50 faults.
   * @param profiles canonical addresses of profiles of ours that it must fit too (validate-profile.ts).
   * @throws Problem `too-long` (it has too many parts), `too-costly` (memory), `transient` (too many wait).
   */
  issues(resource: unknown, profiles?: readonly string[]): Promise<ValidationIssue[]>;
  /**
   * The rows of the search index for a resource's JSON, as JSON text.
   * @throws as `issues`, also for more rows than a record may have.
   */
  indexRows(content: string): Promise<string>;
}
