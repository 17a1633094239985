import { z } from 'zod';
import { scanClasses } from '../vocabulary/scan-findings.ts';

/**
 * The part of `model.json` (schema `csss-model/1`, models/README.md) that serving needs. Everything that the
 * pipeline decided about the model is read from there; nothing is repeated in code.
 */
const description = z.object({
  schema: z.literal('csss-model/1'),
  name: z.string().min(1),
  version: z.string().min(1),
  trained: z.boolean(),
  notice: z.string().nullish(),
  created: z.string().optional(),
  model: z.object({
    file: z.string().regex(/^[\w.-]+$/, 'must be a file name in the same folder'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.number().int().positive(),
  }),
  input: z.object({ name: z.string(), type: z.literal('uint8'), shape: z.array(z.union([z.string(), z.number()])) }),
  preprocessing: z.object({
    width: z.number().int().positive(),
    height: z.number().int().positive(),
    /** `fill` stretches; `contain` keeps the aspect and adds black borders. */
    fit: z.enum(['fill', 'contain']),
    kernel: z.enum(['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3']),
  }),
  labels: z
    .array(
      z.object({
        index: z.number().int(),
        label: z.enum(scanClasses),
        display: z.string(),
        snomed: z.object({ system: z.string(), code: z.string(), display: z.string() }).nullish(),
        validated: z.boolean(),
        /** False: the name of a data source; never shown as a diagnosis. */
        diagnosis: z.boolean(),
        limitation: z.string().nullish(),
        /** Which classes of the gate the label belongs to. */
        modality: z.array(z.string()),
        threshold: z.number().gt(0).lt(1),
      }),
    )
    .length(scanClasses.length),
  uncertain: z.object({ threshold: z.number().gt(0).lt(1) }),
  gate: z.object({ classes: z.array(z.string()), minimum: z.number().nullable() }),
  distance: z.object({ values: z.array(z.string()), limits: z.array(z.number()).nullable() }),
  golden: z.string().regex(/^[\w.-]+$/),
});

export type ModelDescription = z.infer<typeof description>;
export type ModelLabel = ModelDescription['labels'][number];

/**
 * Reads `model.json`.
 *
 * @throws Error listing every element that does not fit, so that a model of another shape is refused at start.
 */
export function readModelDescription(json: unknown): ModelDescription {
  const parsed = description.safeParse(json);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`model.json does not fit: ${mistakes.join('; ')}`);
  }
  const model = parsed.data;
  const misplaced = model.labels.find(({ index }, place) => index !== place);
  if (misplaced) throw new Error(`model.json does not fit: label ${misplaced.label} is not at its index`);
  const [, height, width, channels] = model.input.shape;
  if (
    height !== model.preprocessing.height ||
    width !== model.preprocessing.width ||
    channels !== 3 ||
    model.input.shape.length !== 4
  ) {
    throw new Error('model.json does not fit: input.shape is not [N, height, width, 3] of preprocessing');
  }
  return model;
}

/** The sentence that every result of this model carries, if it has one. */
export function noticeOf(model: ModelDescription): string | undefined {
  return model.trained ? (model.notice ?? undefined) : (model.notice ?? 'untrained head, for pipeline tests only');
}
