import { z } from 'zod';
import { scanClasses, type ScanClass } from '../../vocabulary/scan-findings.ts';

/** The measured quality of a model, as far as the registry shows it and holds it against the bar. */
export interface ModelEvaluation {
  accuracy: number;
  macroF1: number;
  /** Test images of each class. */
  testImages: Partial<Record<ScanClass, number>>;
  /** Validation images of each class: a reference for drift. */
  validationImages: Partial<Record<ScanClass, number>>;
  /** Where the images of each class come from, without those of the external test. */
  sites: Partial<Record<ScanClass, string[]>>;
  /** Images of the external test (other sites) and of the temporal one (later than all training images). */
  externalImages: number;
  temporalImages: number;
  /** COVID against the rest in the external test. */
  externalAuc?: number;
}

const measure = z.object({ value: z.number() });
const file = z.object({
  schema: z.literal('csss-evaluation/1'),
  model: z.object({ sha256: z.string() }),
  data: z.object({
    counts: z.array(
      z.object({
        label: z.enum(scanClasses),
        site: z.string(),
        part: z.string(),
        count: z.number().int().nonnegative(),
      }),
    ),
  }),
  internal: z.object({
    accuracy: measure,
    macroF1: measure,
    classes: z.array(z.object({ label: z.enum(scanClasses), count: z.number().int().nonnegative() })),
  }),
  external: z.object({ count: z.number(), covidAuc: z.object({ value: z.number().nullable() }).optional() }).nullish(),
  temporal: z.object({ count: z.number() }).nullish(),
});

/**
 * Reads `evaluation.json` (schema `csss-evaluation/1`, written by models/training).
 *
 * @param digest of the model that it must be about.
 * @throws Error with a sentence for operators if it is of another shape or about another model.
 */
export function readModelEvaluation(json: unknown, digest: string): ModelEvaluation {
  const parsed = file.safeParse(json);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the evaluation does not fit: ${mistakes.join('; ')}`);
  }
  const { model, data, internal, external, temporal } = parsed.data;
  if (model.sha256 !== digest) throw new Error('the evaluation is about another model file');
  const own = data.counts.filter(({ part }) => part !== 'external' && part !== 'temporal');
  const sites: ModelEvaluation['sites'] = {};
  for (const { label, site } of own) sites[label] = [...new Set([...(sites[label] ?? []), site])].sort();
  const auc = external?.covidAuc?.value;
  return {
    accuracy: internal.accuracy.value,
    macroF1: internal.macroF1.value,
    testImages: Object.fromEntries(internal.classes.map(({ label, count }) => [label, count])),
    validationImages: summed(data.counts.filter(({ part }) => part === 'validation')),
    sites,
    externalImages: external?.count ?? 0,
    temporalImages: temporal?.count ?? 0,
    ...(typeof auc === 'number' && { externalAuc: auc }),
  };
}

function summed(rows: readonly { label: ScanClass; count: number }[]): Partial<Record<ScanClass, number>> {
  const sums: Partial<Record<ScanClass, number>> = {};
  for (const { label, count } of rows) sums[label] = (sums[label] ?? 0) + count;
  return sums;
}
