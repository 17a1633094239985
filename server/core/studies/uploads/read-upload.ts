import { createHash } from 'node:crypto';
import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../../access/narrowing.ts';
import type { CaptureFacts } from '../../dicom/secondary-capture.ts';
import { derivedId } from '../../derived-id.ts';
import { dayOf } from '../../time-zone.ts';
import type { World } from '../../world.ts';
import { coercionOf } from '../coercion.ts';
import { receiveInstance } from '../receive-instance.ts';
import { refused, type Piece, type StoringBatch } from './storing-batch.ts';
import { kindOf, tellingBytes } from './upload-kinds.ts';
import type { UploadLimits } from './upload-limits.ts';
import type { MadeFile, UploadedFile, UploadedParts, UploadReader } from './upload-ports.ts';

/** What people say of pictures, which say nothing of it themselves. */
export interface PictureFacts {
  /** `DX`, `CT`, `MR` ...: what it was taken with. */
  modality?: string | undefined;
  /** Body Part Examined (PS3.16 Annex L). */
  bodyPart?: string | undefined;
  /** `YYYY-MM-DD` */
  takenOn?: string | undefined;
  note?: string | undefined;
}

export interface ReadingPlace {
  world: World;
  parts: UploadedParts;
  reader: UploadReader;
  limits: UploadLimits;
  batch: StoringBatch;
}

export interface UploadInHand extends PictureFacts {
  upload: string;
  patient: Patient & { id: string };
  confirmed: boolean;
  /** The pictures of one are one study. */
  examination: string;
  file: UploadedFile;
  /** For what is made of it. */
  folder: string;
}

/** Reads an upload and hands its images to the batch. `leftOut`: files of an archive that are no images. */
export async function readUpload(
  place: ReadingPlace,
  asked: UploadInHand,
): Promise<{ pieces: Piece[]; leftOut?: number }> {
  const { parts, limits, reader, batch } = place;
  const { file } = asked;
  const kind = kindOf(await parts.beginning(file.path, tellingBytes));
  if (kind === undefined) return { pieces: [refused('type')] };
  if (kind === 'two-kinds') return { pieces: [refused('two-kinds')] };
  if (kind !== 'zip') return { pieces: [await pieceOf(place, asked, { ...file, kind })] };
  if (file.size > limits.fileBytes) return { pieces: [refused('too-large')] };
  const { folder } = asked;
  const content = await reader.unpack(file.path, folder, { files: limits.archiveFiles, bytes: limits.archiveBytes });
  if ('refused' in content) return { pieces: [refused(content.refused)] };
  // A CD brings a program with pictures of its own beside the images.
  const images = content.files.filter((one) => one.kind === 'dicom');
  const wanted = images.length > 0 ? images : content.files;
  const pieces: Piece[] = [];
  // Unpacked it is within its limits; its pictures have to stay within them when they are decoded, too.
  const until = batch.bytesMade + limits.archiveBytes;
  for (const one of wanted)
    pieces.push(
      batch.isOvergrown || batch.bytesMade > until ? refused('archive-too-large') : await pieceOf(place, asked, one),
    );
  return { pieces, leftOut: content.leftOut + content.files.length - wanted.length };
}

async function pieceOf(place: ReadingPlace, asked: UploadInHand, file: MadeFile & { kind: string }): Promise<Piece> {
  if (file.kind === 'zip') return refused('archive-in-archive');
  return file.kind === 'dicom' ? imagePiece(place, asked, file) : picturePiece(place, asked, file);
}

/** Media Storage SOP Class UID (0002,0002) of a table of contents of a CD (PS3.10 8): tag, VR, length and value. */
const directory = Buffer.from('\x02\0\x02\0UI\x14\x001.2.840.10008.1.3.10', 'latin1');
/** It stands in the second or third element of the file meta information. */
const directoryWithin = 400;

async function imagePiece(
  { world, parts, limits, batch }: ReadingPlace,
  { confirmed, file: { tried } }: UploadInHand,
  { path, size }: MadeFile,
): Promise<Piece> {
  if (size > limits.fileBytes) return refused('too-large');
  if (Buffer.from(await parts.beginning(path, directoryWithin)).includes(directory))
    return { settled: { state: 'skipped' } };
  const arriving = await receiveInstance(world, parts.bytes(path), { limit: limits.fileBytes });
  return batch.add(arriving, confirmed ? 'confirmed' : 'refuse', tried);
}

async function picturePiece(place: ReadingPlace, asked: UploadInHand, { path, size }: MadeFile): Promise<Piece> {
  const { world, parts, limits, reader, batch } = place;
  const { patient, file, modality } = asked;
  if (size > limits.pictureBytes) return refused('too-large');
  if (modality === undefined) return refused('what-it-shows', { again: true });
  if (batch.isOvergrown) return refused('too-large', { again: true }); // alone it may be stored
  const number = batch.nextNumber();
  const digest = await digestOf(parts.bytes(path));
  const SOPInstanceUID = derivedUid('picture', patient.id, digest);
  // The same picture of the same patient is one image, whatever else is said of it the second time.
  const stands = await standing(world, SOPInstanceUID);
  if (stands) return { settled: { state: file.tried ? 'stored' : 'duplicate', StudyInstanceUID: stands } };
  // By its number: an archive may hold the same picture twice.
  const made = await reader.capture(path, `${asked.folder}/made-${number}`, factsOf(place, asked, SOPInstanceUID, number), limits.picturePixels); // prettier-ignore
  if ('refused' in made) return refused(made.refused);
  batch.made(made.size);
  const arriving = await receiveInstance(world, parts.bytes(made.path));
  await parts.tidy(made.path); // hundreds of times as large as the picture, and taken
  return batch.add(arriving, 'own', file.tried);
}

function factsOf(
  { world: { settings } }: ReadingPlace,
  asked: UploadInHand,
  SOPInstanceUID: string,
  number: number,
): CaptureFacts {
  const { patient, examination, modality = 'OT', bodyPart, takenOn, note, file } = asked;
  const StudyInstanceUID = derivedUid('examination', patient.id, examination, modality, bodyPart ?? '', takenOn ?? '');
  const brought = dayOf(file.begunAt.toISOString(), settings.timeZone).replaceAll('-', '');
  return {
    StudyInstanceUID,
    SeriesInstanceUID: derivedUid('series', StudyInstanceUID),
    SOPInstanceUID,
    patient: coercionOf(patient, settings),
    modality,
    ...(bodyPart !== undefined && { bodyPart }),
    StudyDate: takenOn?.replaceAll('-', '') ?? brought,
    DateOfSecondaryCapture: brought,
    description: 'Uploaded picture',
    ...(note !== undefined && { note }),
    number,
  };
}

/** A UID of a UUID (PS3.5 B.2). */
function derivedUid(...names: readonly string[]): string {
  return `2.25.${BigInt(`0x${derivedId(...names).replaceAll('-', '')}`)}`;
}

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** The study in which an image is stored under a number. */
async function standing(world: World, SOPInstanceUID: string): Promise<string | undefined> {
  const match = [{ path: '00080018', vr: 'UI', value: SOPInstanceUID }];
  const plain = { include: [], fuzzy: false, emptyValueMatching: false, multipleValueMatching: false };
  const { matches } = await world.read(({ studies }) =>
    studies.find({ level: 'instance', match, ...plain, limit: 1, offset: 0 }, everything),
  );
  const uid = matches[0]?.attributes['0020000D']?.Value?.[0];
  return typeof uid === 'string' ? uid : undefined;
}
