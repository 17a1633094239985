import { z } from 'zod';
import { oneAtATime } from '../../core/studies/uploads/one-at-a-time.ts';
import { storeUploads, type UploadPlace } from '../../core/studies/uploads/store-uploads.ts';
import { uploadTypes } from '../../core/studies/uploads/upload-kinds.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { tusAbilities, tusHandler, uploadsPath, type PartShelf } from './tus.ts';

export interface UploadRoutes extends Omit<UploadPlace, 'shelf'> {
  shelf: UploadPlace['shelf'] & PartShelf;
  /** Receives what is our own fault in an image that therefore was not stored. */
  onFault(error: unknown): void;
}

/** What a picture was taken with, as people choose it; DICOM files say it themselves. */
const modalities = ['DX', 'CR', 'CT', 'MR', 'OT'] as const;
/** Defined terms of PS3.16 Annex L. */
const bodyParts = [
  'CHEST', 'HEART', 'ABDOMEN', 'HEAD', 'SPINE', 'PELVIS', 'SHOULDER', 'ARM', 'HAND', 'HIP', 'LEG', 'KNEE', 'FOOT',
] as const; // prettier-ignore

/** Files of one request: a CT has hundreds, and one that is larger comes in several. */
const mostFiles = 500;

const uploadId = z.string().max(80);
const asDay = z.iso.date().refine((day) => day >= '1900-01-01' && day <= tomorrow(), 'must be a day in the past');
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);

const wanted = z.strictObject({
  files: z
    .array(z.strictObject({ upload: uploadId, confirmed: z.boolean().optional() }))
    .min(1)
    .max(mostFiles)
    .refine((files) => new Set(files.map(({ upload }) => upload)).size === files.length, 'names an upload twice'),
  patient: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/).optional().describe('FHIR id; patients leave it out'),
  examination: z.uuid().optional().describe('the pictures of one are one study; those of one request if it is left out'),
  modality: z.enum(modalities).optional().describe('of pictures, which do not say it themselves'),
  bodyPart: z.enum(bodyParts).optional(),
  takenOn: asDay.optional(),
  note: z.string().trim().max(1000).optional(),
}); // prettier-ignore

const outcome = z.object({
  upload: z.string(),
  state: z.enum(['stored', 'duplicate', 'held', 'skipped', 'refused']),
  why: z.string().optional().describe('a word for the reason of a refusal'),
  study: z.string().optional().describe('FHIR id of the ImagingStudy'),
  ask: z.literal(true).optional().describe('for staff: the same file, `confirmed`, is stored although it names somebody else'),
  says: z.array(z.string()).optional(),
  contents: z.looseObject({ leftOut: z.number().int() }).optional().describe('of an archive: how many of its files came to what'),
}); // prettier-ignore

const limitsShape = z.object({
  pictureBytes: z.number(),
  picturePixels: z.number(),
  fileBytes: z.number(),
  keepHours: z.number(),
  filesAtOnce: z.number(),
  types: z.array(
    z.object({
      kind: z.string(),
      mediaType: z.string(),
      endings: z.array(z.string()),
      signature: z.object({ at: z.number(), bytes: z.string() }),
    }),
  ),
  modalities: z.array(z.string()),
  bodyParts: z.array(z.string()),
});

const upload = { tag: 'Uploads', roles: ['patient', 'doctor', 'admin'] as const };
const tusWords = 'By tus 1.0 (https://tus.io): a part at a time, going on where the last one ended.';

/** Images that people bring from a browser: resumable parts first, then one request that stores them. */
export function uploadRoutes(place: UploadRoutes): ApiRoute[] {
  const { limits, shelf } = place;
  const tus = tusHandler(shelf, limits);
  const inTurn = oneAtATime();
  return [
    apiRoute({
      ...upload,
      method: 'get',
      path: `${uploadsPath}/limits`,
      summary: 'What can be uploaded, and how much',
      answer: { schema: limitsShape },
      handle: async () => ({
        pictureBytes: limits.pictureBytes,
        picturePixels: limits.picturePixels,
        fileBytes: limits.fileBytes,
        keepHours: limits.keepHours,
        filesAtOnce: mostFiles,
        types: uploadTypes,
        modalities,
        bodyParts,
      }),
    }),
    apiRoute({
      ...upload,
      method: 'post',
      path: `${uploadsPath}/store`,
      summary: 'Store uploads as images of a patient',
      description:
        'Each file is answered by itself. The same request again gives the same answer. Files of other kinds and sizes than `limits` says are refused by their content.',
      event: 'portal:upload-store',
      body: wanted,
      answer: { schema: z.object({ files: z.array(outcome) }) },
      async handle({ principal, body, requestId, sourceAddress, about }) {
        const { onFault } = place;
        const asking = { requestId, sourceAddress, onFault };
        const { patient, outcomes } = await inTurn(principal.subject, () =>
          storeUploads(place, principal, body, asking),
        );
        about({ patients: [patient] });
        return { files: outcomes };
      },
    }),
    apiRoute({
      ...upload,
      method: 'post',
      path: uploadsPath,
      summary: 'Begin an upload',
      description: `${tusWords} Names of files are not kept.`,
      answer: { status: 201 },
      handle: tus,
    }),
    apiRoute({
      tag: upload.tag,
      roles: 'public',
      method: 'options',
      path: uploadsPath,
      summary: 'Version, extensions and largest size of tus here',
      answer: { status: 204 },
      handle: async (asked) => tusAbilities(asked, limits),
    }),
    apiRoute({
      ...upload,
      method: 'head',
      path: `${uploadsPath}/:id`,
      summary: 'Where an upload goes on',
      description: tusWords,
      params: { id: uploadId },
      answer: { status: 200, mayLack: true },
      handle: tus,
    }),
    apiRoute({
      ...upload,
      method: 'patch',
      path: `${uploadsPath}/:id`,
      summary: 'The next part of an upload',
      description: tusWords,
      params: { id: uploadId },
      answer: { status: 204 },
      handle: tus,
    }),
    apiRoute({
      ...upload,
      method: 'delete',
      path: `${uploadsPath}/:id`,
      summary: 'Remove an upload that is not stored',
      params: { id: uploadId },
      answer: { status: 204 },
      handle: tus,
    }),
  ];
}
