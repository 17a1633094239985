import type { Patient } from '@medplum/fhirtypes';
import type { Principal } from '../../principal.ts';
import type { StoreOptions } from '../store-instance.ts';
import { ownerOfUpload } from './image-owner.ts';
import { readUpload, type PictureFacts, type ReadingPlace } from './read-upload.ts';
import { refused, StoringBatch, type Piece } from './storing-batch.ts';
import type { FileOutcome, UploadState } from './upload-outcome.ts';
import type { UploadRefusal, UploadShelf } from './upload-ports.ts';

export type UploadPlace = Omit<ReadingPlace, 'batch' | 'parts'> & { shelf: UploadShelf };

export interface UploadRequest extends PictureFacts {
  /** `confirmed`: staff have seen whom it names, and stand for it. */
  files: readonly { upload: string; confirmed?: boolean | undefined }[];
  /** FHIR id; patients may leave it out. */
  patient?: string | undefined;
  /** The pictures of one are one study; those of one request if it is not said. */
  examination?: string | undefined;
}

/** What became of one upload; of an archive, the best that befell anything in it. */
export interface UploadOutcome {
  upload: string;
  state: UploadState;
  why?: UploadRefusal;
  /** FHIR id of the ImagingStudy. */
  study?: string;
  /** For staff: the same file, `confirmed`, is stored. It says that it is of these people. */
  ask?: true;
  says?: string[];
  /** Of an archive. */
  contents?: Partial<Record<UploadState, number>> & { leftOut: number };
}

interface InHand {
  upload: string;
  pieces: Piece[];
  leftOut?: number;
}

/**
 * Stores uploads as images of one patient, by the one way in. Each file stands for itself: what is wrong with one stops no other. What was
 * answered for a file once is answered again, so that who lost the answer gets it by the same request.
 *
 * @throws Problem as `ownerOfUpload`; `no-store` and `transient`: what is not stored by then is stored by the same request later.
 */
export async function storeUploads(
  place: UploadPlace,
  principal: Principal,
  request: UploadRequest,
  options: Pick<StoreOptions, 'requestId' | 'sourceAddress' | 'onFault'>,
): Promise<{ patient: string; outcomes: UploadOutcome[] }> {
  const parts = place.shelf.of(principal.subject);
  const { world } = place;
  const patient = await ownerOfUpload(world, principal, request.patient);
  const staff = principal.role !== 'patient';
  const batch = new StoringBatch(world, principal, patient.id, options);
  const outcomes = new Map<string, UploadOutcome>();
  const inHand: InHand[] = [];
  const folders: string[] = [];
  const examination = request.examination ?? request.files[0]?.upload ?? '';
  try {
    for (const { upload, confirmed } of request.files) {
      const kept = await parts.answer(upload);
      if (kept !== undefined) outcomes.set(upload, { upload, ...(JSON.parse(kept) as Omit<UploadOutcome, 'upload'>) });
      else {
        const asked = { ...request, upload, patient, examination, confirmed: staff && confirmed === true };
        inHand.push({ upload, ...(await taken({ ...place, parts, batch }, asked, folders)) });
      }
    }
    await batch.flush();
    for (const one of inHand) outcomes.set(one.upload, await settle({ world, parts }, batch, one, staff));
    return { patient: patient.id, outcomes: request.files.map(({ upload }) => outcomes.get(upload)!) };
  } finally {
    await batch.discard();
    for (const folder of folders) await parts.tidy(folder);
  }
}

type Asked = PictureFacts & {
  upload: string;
  patient: Patient & { id: string };
  examination: string;
  confirmed: boolean;
};

/** @param folders takes what is to be tidied up. */
async function taken(place: ReadingPlace, asked: Asked, folders: string[]): Promise<Omit<InHand, 'upload'>> {
  const file = await place.parts.find(asked.upload);
  if (!file) return { pieces: [refused('not-here', { again: true })] };
  await place.parts.attempt(asked.upload);
  const folder = await place.parts.workFolder(asked.upload);
  folders.push(folder);
  place.batch.came(file.size);
  return readUpload(place, { ...asked, file, folder });
}

/** Identities that are shown of an archive. */
const mostSaid = 5;
/** What is the best that can befall an image. */
const order: readonly UploadState[] = ['stored', 'held', 'duplicate', 'refused', 'skipped'];

/** The answer for one upload; it is kept if it is the last word. */
async function settle(
  { world, parts }: Pick<ReadingPlace, 'world' | 'parts'>,
  batch: StoringBatch,
  { upload, pieces, leftOut }: InHand,
  staff: boolean,
): Promise<UploadOutcome> {
  const all: FileOutcome[] = [];
  for (const piece of pieces) all.push(await batch.outcome(piece));
  const state = order.find((one) => all.some((each) => each.state === one)) ?? 'refused';
  const leading = all.find((each) => each.state === state);
  const uid = state === 'stored' || state === 'duplicate' ? leading?.StudyInstanceUID : undefined;
  const study = uid === undefined ? undefined : await world.read(({ studies }) => studies.study(uid));
  const says = staff ? [...new Set(all.flatMap((each) => each.says ?? []))].slice(0, mostSaid) : [];
  const why = leading ? leading.why : 'archive-empty';
  const outcome = {
    state,
    ...(why && { why }),
    ...(study?.patientId === batch.patientId && { study: study.imagingStudyId }),
    ...(leftOut !== undefined && { contents: { ...countsOf(all), leftOut } }),
  };
  const isOpen = says.length > 0 || all.some((each) => each.again);
  await parts.settle(upload, isOpen ? undefined : JSON.stringify(outcome));
  return { upload, ...outcome, ...(says.length > 0 && { ask: true, says }) };
}

function countsOf(all: readonly FileOutcome[]): Partial<Record<UploadState, number>> {
  return Object.fromEntries([...Map.groupBy(all, ({ state }) => state)].map(([state, some]) => [state, some.length]));
}
