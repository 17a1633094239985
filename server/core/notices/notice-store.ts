import type { Role } from '../principal.ts';

/** What people are told of. */
export type NoticeKind =
  | 'scan-arrived'
  | 'urgent-finding'
  | 'to-verify'
  | 'to-prescribe'
  | 'to-approve'
  | 'sent-back'
  | 'report-ready'
  | 'new-image-needed'
  | 'delivery-failed'
  | 'registration';

/** All who have a role, or all accounts of one person (`Patient/id`). */
export type Addressee = { role: Role } | { person: string };

export interface NewNotice {
  kind: NoticeKind;
  to: Addressee;
  /** Id of the coordination Task. */
  review?: string;
  /** Account whose act it was: they are not told what they did. */
  causedBy?: string;
  urgent?: boolean;
}

export interface Notice {
  id: string;
  kind: NoticeKind;
  at: Date;
  seen: boolean;
  review?: string;
}

export interface NoticeReader {
  accountId: string;
  role: Role;
}

export interface NoticeStore {
  /** @returns for whom it was written down: the role, or each account; and whether any of their browsers wants to be told. */
  insert(notice: NewNotice): Promise<{ id: string; account?: string; wanted: boolean }[]>;
  /** Newest first; what was there before the account was made is not for it. */
  of(reader: NoticeReader, page: { before?: string; limit: number; unseen?: boolean }): Promise<Notice[]>;
  /** Seen up to and with this one. What is committed later is not, whatever its number. */
  markSeen(reader: NoticeReader, upTo: string): Promise<void>;
  /** @returns how many were older. */
  forget(days: number): Promise<number>;
}
