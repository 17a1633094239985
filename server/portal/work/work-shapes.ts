/** What lists of work are asked and what they answer, as the OpenAPI document says it. */
import { z } from 'zod';
import { displays } from '../../core/vocabulary/displays.ts';
import type { ReviewStatus, ReviewStep } from '../../core/vocabulary/review-codes.ts';
import { taskMoves, type TaskStatus } from '../../core/workflow/task-moves.ts';
import { workNumbers, workQueues, workSorts, type WorkNumber } from '../../core/workflow/work/queues.ts';
import { aiStates, conclusionKinds, findingKinds, priorities, workReasons } from '../../core/workflow/work/work-row.ts';

const keys = <Key extends string>(table: Readonly<Record<Key, unknown>>) => Object.keys(table) as [Key, ...Key[]];
const instant = z.iso.datetime();

export const workRow = z.object({
  review: z.string().describe('id of the coordination Task'),
  version: z.number().int().describe('another one whenever something in the row has changed'),
  status: z.enum(keys<ReviewStatus>(displays.status)),
  priority: z.enum(priorities).describe('of the order, or higher where a finding has raised that of the open step'),
  reasons: z.array(z.enum(workReasons)),
  scan: z.string().describe('what people call the scan: its accession number where there is one'),
  accession: z.string().optional(),
  patient: z.object({
    id: z.string(),
    name: z.string().describe('empty where none is known'),
    recordNumber: z.string().optional(),
    birthDate: z.string().optional(),
    gender: z.string().optional(),
  }),
  study: z.object({
    id: z.string(),
    uid: z.string(),
    modality: z.string().optional().describe('several with spaces between'),
    bodyPart: z.string().optional(),
    description: z.string().optional(),
    images: z.number().int(),
  }),
  uploadedAt: instant,
  ai: z.enum(aiStates),
  aiFailure: z.string().optional(),
  finding: z
    .object({
      label: z.string().describe('class of the model, Uncertain, Unsupported, or not-eligible'),
      probability: z.number().optional().describe('0..1; none beside an image that the model is not for'),
      kind: z.enum(findingKinds),
    })
    .optional(),
  conclusion: z
    .object({ code: z.string().optional(), text: z.string(), kind: z.enum(conclusionKinds) })
    .optional()
    .describe("the reader's; other: words alone"),
  words: z.string().optional().describe("the reader's, first 500 characters"),
  prescription: z.string().optional().describe('each medication with its dosage, on a line of its own'),
  noMedication: z.literal(true).optional(),
  disagreement: z.string().optional(),
  news: z.string().optional().describe('why a doctor is asked again'),
  verifiedAt: instant.optional(),
  verifiedBy: z.string().optional(),
  prescribedAt: instant.optional(),
  releasedAt: instant.optional(),
  step: z
    .object({
      id: z.string(),
      kind: z.enum(keys<ReviewStep>(displays.step)),
      status: z.enum(keys<TaskStatus>(taskMoves)),
      ownerName: z.string().optional(),
      mine: z.boolean(),
    })
    .optional()
    .describe('the open step that the list is about, or that is for the role of who asks'),
});

const longestList = 20;

/** Values with commas between. */
function listOf<Value extends string>(value: z.ZodType<Value, string>) {
  return z
    .string()
    .max(1000)
    .transform((text) => text.split(',').filter((one) => one !== ''))
    .pipe(z.array(value).min(1).max(longestList))
    .optional();
}

const day = z.iso.date();
const filters = {
  text: z.string().max(200).optional().describe('every word must begin a word of name, numbers, modality, description, status, AI answer or conclusion; a day or month may be named as well'),
  status: listOf(z.enum(keys<ReviewStatus>(displays.status))).describe('one or several, with commas'),
  modality: listOf(z.string().max(16)),
  finding: listOf(z.string().max(64)).describe('labels or kinds'),
  priority: listOf(z.enum(priorities)),
  from: day.optional().describe("first day of arrival, by the site's calendar"),
  to: day.optional().describe('last day'),
  mine: z.enum(['true', 'false']).optional().describe('only what you hold or have done'),
}; // prettier-ignore

const sorts = workSorts.flatMap((sort) => [sort, `-${sort}`] as const);

export const wantedWork = z.strictObject({
  queue: z.enum(workQueues).default('all'),
  ...filters,
  sort: z.enum(sorts).optional().describe('"-" for the other way round; -priority is the most urgent first'),
  after: z.string().max(4000).optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(100).default(25),
});

const names: readonly [WorkNumber, ...WorkNumber[]] = [...workQueues, ...workNumbers];

export const wantedCounts = z.strictObject({
  of: z
    .string()
    .max(1000)
    .default(workQueues.join(','))
    .transform((text) => text.split(',').filter((one) => one !== ''))
    .pipe(z.array(z.enum(names)).min(1).max(longestList))
    .describe('queues and numbers, with commas; all queues without it'),
  ...filters,
});

export const claimed = z.object({
  claimed: z.array(z.string()),
  refused: z.array(z.object({ review: z.string(), why: z.string() })),
});
