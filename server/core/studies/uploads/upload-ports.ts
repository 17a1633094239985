import type { CaptureFacts } from '../../dicom/secondary-capture.ts';
import type { UploadKind } from './upload-kinds.ts';

/** An upload of which all parts are here. */
export interface UploadedFile {
  path: string;
  size: number;
  /** When its first part was announced. */
  begunAt: Date;
  /** Storing it was begun before, and nobody knows how that ended. */
  tried: boolean;
}

/** A file that this server has made of an upload. */
export interface MadeFile {
  path: string;
  size: number;
}

/** The parts of everybody's uploads, on the disk of this server until they are stored or given up. */
export interface UploadShelf {
  /** Those of one account. No other's can be found, changed or removed by it. */
  of(account: string): UploadedParts;
  /** Removes what nobody goes on with. @returns how many uploads. */
  sweep(olderThan: Date): Promise<number>;
}

export interface UploadedParts {
  /** @returns undefined for one of somebody else, one that is not all here, and one that is not here any more. */
  find(upload: string): Promise<UploadedFile | undefined>;
  /** What storing it led to, as it was kept. */
  answer(upload: string): Promise<string | undefined>;
  /** Storing it begins. */
  attempt(upload: string): Promise<void>;
  /** Storing has ended: with an answer for ever, and its bytes are not needed any more, or so that it can be tried again. */
  settle(upload: string, answer: string | undefined): Promise<void>;
  /** An empty folder for what is made of it, another one each time. */
  workFolder(upload: string): Promise<string>;
  /** Removes such a folder, or something in it. */
  tidy(path: string): Promise<void>;
  beginning(path: string, length: number): Promise<Uint8Array>;
  bytes(path: string): AsyncIterable<Uint8Array>;
}

/** Why a file was not taken; the browser has words for each. */
export type UploadRefusal =
  | 'not-here' // its parts are not (all) here
  | 'type' // nothing that is taken
  | 'two-kinds' // made to be taken for two things
  | 'too-large'
  | 'unreadable'
  | 'too-many-pixels'
  | 'moving-picture'
  | 'not-supported' // a DICOM transfer syntax that is not stored here
  | 'what-it-shows' // a picture, and nobody said of what
  | 'other-patient' // it says that it is somebody else's
  | 'other-study' // its study is not one that the caller may add to
  | 'other-content' // another image is stored under its number
  | 'removed' // it was here and was taken away
  | 'rejection-note' // it takes images away: only systems' word counts in that
  | 'locked' // an archive with a password
  | 'archive-in-archive'
  | 'archive-paths' // an archive whose names lead out of it
  | 'archive-too-large'
  | 'archive-empty' // an archive without an image
  | 'fault'; // our own

export type Readable<Content> = Content | { refused: UploadRefusal };

export interface ArchiveContent {
  files: (MadeFile & { kind: UploadKind })[];
  /** Files that are none of the kinds. */
  leftOut: number;
}

/** What parses bytes that a stranger has sent, in threads of its own. */
export interface UploadReader {
  /**
   * Writes a Secondary Capture of a picture: upright, and of what the file says beside its pixels (place, camera, time) nothing.
   * @throws Problem `transient`, `no-store`
   */
  capture(path: string, to: string, facts: CaptureFacts, pixels: number): Promise<Readable<MadeFile>>;
  /**
   * Unpacks what can be stored, under names of this server's own.
   * @throws as `capture`
   */
  unpack(path: string, folder: string, limits: { files: number; bytes: number }): Promise<Readable<ArchiveContent>>;
}
