/** Files that somebody chose or dropped, folders opened, and what each of them is by its first bytes. */
import type { UploadLimits, UploadType } from '../../api/uploads.ts';

/** Where files come from: of a folder or a CD only what is an image is wanted, and the rest is left out without a word for each. */
export interface Chosen {
  files: File[];
  fromFolder: boolean;
}

export interface Judged {
  file: File;
  type?: UploadType;
  /** Why it cannot be uploaded. */
  why?: 'type' | 'too-large' | 'empty';
}

/** Files in a folder; beyond, somebody dropped the wrong one. */
const mostInFolder = 20_000;

/** What was dropped, with what lies in folders. */
export async function filesOfDrop(transfer: DataTransfer): Promise<Chosen> {
  // Both are empty as soon as the event is over.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? undefined);
  const plain = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return { files: plain, fromFolder: false };
  const files: File[] = [];
  const open = entries.filter((entry) => entry !== undefined);
  while (open.length > 0 && files.length < mostInFolder) {
    const entry = open.shift()!;
    if (entry.isDirectory) open.push(...(await entriesIn(entry as FileSystemDirectoryEntry)));
    else files.push(await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail)));
  }
  return { files, fromFolder: true };
}

async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/**
 * Sorts out what can be uploaded. Of a folder: images only, and pictures only where there is no image, because a CD brings a program with
 * pictures of its own.
 *
 * @returns `leftOut`: how many of a folder are none.
 */
export async function judge(
  { files, fromFolder }: Chosen,
  limits: UploadLimits,
): Promise<{ files: Judged[]; leftOut: number }> {
  const judged: Judged[] = [];
  for (const file of files) {
    // The table of contents of a CD is no image.
    if (file.name === 'DICOMDIR') continue;
    const type = await typeOf(file, limits.types);
    judged.push({ file, ...(type && { type }), ...whyNot(file, type, limits) });
  }
  if (!fromFolder) return { files: judged, leftOut: 0 };
  const images = judged.filter(({ type }) => type?.kind === 'dicom');
  const wanted = images.length > 0 ? images : judged.filter(({ type }) => type !== undefined);
  return { files: wanted, leftOut: judged.length - wanted.length };
}

async function typeOf(file: File, types: readonly UploadType[]): Promise<UploadType | undefined> {
  const longest = Math.max(...types.map(({ signature: { at, bytes } }) => at + bytes.length / 2));
  const beginning = new Uint8Array(await file.slice(0, longest).arrayBuffer());
  return types.find(({ signature: { at, bytes } }) =>
    bytes.match(/../g)?.every((pair, i) => beginning[at + i] === Number.parseInt(pair, 16)),
  );
}

function whyNot(file: File, type: UploadType | undefined, limits: UploadLimits): Pick<Judged, 'why'> {
  if (file.size === 0) return { why: 'empty' };
  if (!type) return { why: 'type' };
  return file.size > mostOf(type, limits) ? { why: 'too-large' } : {};
}

export const isPicture = (type: UploadType | undefined): boolean => type?.kind === 'jpeg' || type?.kind === 'png';

export const mostOf = (type: UploadType, limits: UploadLimits): number =>
  isPicture(type) ? limits.pictureBytes : limits.fileBytes;
