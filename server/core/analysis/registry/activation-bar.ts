import { scanClasses } from '../../vocabulary/scan-findings.ts';
import type { ModelEvaluation } from './model-evaluation.ts';

/** Fewer test images of a class say nothing about it. */
export const fewestTestImages = 100;

/** One thing that keeps a model below the bar. */
export interface Shortcoming {
  code: 'untrained' | 'no-evaluation' | 'macro-f1' | 'few-test-images' | 'no-hold-out' | 'single-site';
  /** For an administrator. */
  text: string;
}

/** What the bar looks at; the labels of a description are the six of this system by its schema. */
export interface Assessed {
  trained: boolean;
  evaluation: ModelEvaluation | null;
}

/**
 * What a model lacks to become active, from its stored evaluation. An administrator may override all of it
 * with a written reason, but not that the model is untrained.
 *
 * @param active the model that it would replace, or that was active last.
 */
export function shortcomings(model: Assessed, active: Assessed | undefined): Shortcoming[] {
  if (!model.trained) return [{ code: 'untrained', text: 'The model is not trained.' }];
  const { evaluation } = model;
  if (!evaluation) return [{ code: 'no-evaluation', text: 'There is no evaluation of this model.' }];
  const found: Shortcoming[] = [];
  const best = active?.evaluation?.macroF1;
  if (best !== undefined && evaluation.macroF1 < best) {
    found.push({
      code: 'macro-f1',
      text: `Its macro-F1 ${three(evaluation.macroF1)} is below that of the active model, ${three(best)}.`,
    });
  }
  const few = scanClasses.filter((label) => (evaluation.testImages[label] ?? 0) < fewestTestImages);
  if (few.length > 0) {
    const list = few.map((label) => `${label} ${evaluation.testImages[label] ?? 0}`).join(', ');
    found.push({ code: 'few-test-images', text: `Fewer than ${fewestTestImages} test images: ${list}.` });
  }
  if (evaluation.externalImages === 0 && evaluation.temporalImages === 0) {
    found.push({ code: 'no-hold-out', text: 'It was not tested on images of another site or of a later time.' });
  }
  const single = singleSiteClasses(evaluation);
  if (single.length > 0) {
    const text = `All images of a class come from one site, which the model may have learnt instead: ${single.join(', ')}.`;
    found.push({ code: 'single-site', text });
  }
  return found;
}

/** Classes with fewer than two sites, unless one and the same site holds all classes and so separates none. */
function singleSiteClasses({ sites }: ModelEvaluation): string[] {
  const all = new Set(scanClasses.flatMap((label) => sites[label] ?? []));
  const complete = scanClasses.every((label) => (sites[label] ?? []).length > 0);
  if (complete && all.size === 1) return [];
  return scanClasses.filter((label) => (sites[label] ?? []).length < 2);
}

function three(value: number): string {
  return value.toFixed(3);
}
