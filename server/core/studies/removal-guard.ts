/**
 * Who may object to a deletion, in the transaction that is about to make it. Rejection notes are not asked about: they say
 * that an image is wrong, and what follows from that cannot wait.
 *
 * @throws Problem `conflict` with what to do first.
 */
export type RemovalGuard<Context> = (context: Context, imagingStudyId: string) => Promise<void>;
