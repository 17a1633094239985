import { stands, type Places, type Term, type Vocabulary } from './term.ts';
import type { RedFlags } from './topics.ts';

/** Words of one sign of danger may have a few others between them ("a pain in the middle of my chest"). */
const near = 6;

export type Danger = 'emergency' | 'crisis';

/** Whether a text tells of danger: to life (`emergency`), or from oneself (`crisis`), or only asks about one (`asked`). */
export function dangerFinder(
  vocabulary: Vocabulary,
  tables: readonly RedFlags[],
): (found: Places) => Danger | 'asked' | undefined {
  const termsOf = (kind: keyof RedFlags) =>
    tables.flatMap((table) => lines(table[kind]).map((line) => vocabulary.term(line, near)));
  const [crisis, emergency] = [termsOf('crisis'), termsOf('emergency')];
  const [general, present] = [termsOf('general'), termsOf('present')];
  return (found) => {
    const isTold = (terms: readonly Term[]) => terms.some((one) => stands(one, found));
    if (isTold(crisis)) return 'crisis';
    if (!isTold(emergency)) return undefined;
    // In doubt it is danger: a general question says nothing of a person, or of now.
    return isTold(general) && !isTold(present) ? 'asked' : 'emergency';
  };
}

const lines = (table: string): string[] =>
  table
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
