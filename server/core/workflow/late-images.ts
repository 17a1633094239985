/** An image that came to a study, or was taken away, after its review was opened. */
export interface LateImage {
  SOPInstanceUID: string;
  change: 'added' | 'removed';
}

/** What a reader was told of. */
export interface LateCount {
  added: number;
  removed: number;
}

/**
 * The late images of each review (by the id of its coordination Task): who was told of them, and which analysis takes care
 * of them. Written under the lock of the coordination Task.
 */
export interface LateImages {
  /**
   * One that came and went before anybody was told leaves nothing behind.
   *
   * @param toldBy the step whose reader needs no telling, because it had not begun.
   */
  add(review: string, images: readonly LateImage[], toldBy?: string): Promise<void>;
  /** Those that nobody was told of. */
  untold(review: string): Promise<LateCount>;
  /** A step tells of all that nobody was told of. @returns how many those are. */
  tell(review: string, step: string): Promise<LateCount>;
  /** What a step tells of, with the seconds since the last of them. */
  toldBy(review: string, step: string): Promise<LateCount & { secondsAgo?: number }>;
  /** SOP Instance UIDs of those that came and that no analysis takes care of, oldest first. */
  unread(review: string): Promise<string[]>;
  /** An analysis takes care of them; of all that are unread if none is named. */
  takeCare(review: string, analysis: string, SOPInstanceUIDs?: readonly string[]): Promise<void>;
}
