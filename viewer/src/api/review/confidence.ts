import type { FindingKind } from '../work.ts';

/**
 * One rule for confidence everywhere: from 75 % high, from 50 % medium, below that low. An answer that lies below the
 * site's threshold is none, however high it is; and an image that the model is not for has no confidence at all.
 */
export type ConfidenceLevel = 'high' | 'medium' | 'low';
export type ShownLevel = ConfidenceLevel | 'uncertain';

/** @param probability 0..1 */
export function confidenceLevel(probability: number): ConfidenceLevel {
  if (probability >= 0.75) return 'high';
  return probability >= 0.5 ? 'medium' : 'low';
}

/** What is shown beside an answer; undefined where no number may stand. */
export function shownConfidence(
  probability: number | undefined,
  kind: FindingKind | undefined,
): { probability: number; level: ShownLevel } | undefined {
  if (probability === undefined || kind === 'unsupported' || kind === 'not-served') return undefined;
  return { probability, level: kind === 'uncertain' ? 'uncertain' : confidenceLevel(probability) };
}

/**
 * A probability as whole and tenth percent. It is cut, not rounded: 0.7499 must not read as "75.0 %"
 * beside "Uncertain".
 */
export function percentText(probability: number, locale: string): string {
  const cut = Math.floor(Math.min(Math.max(probability, 0), 1) * 1000 + 1e-9) / 1000;
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(cut);
}
