import { stands, type Places, type Term, type Vocabulary } from './term.ts';
import type { RedFlags } from './topics.ts';

/** Words of one sign of danger may have a few others between them ("a pain in the middle of my chest"). */
const near = 5;

export type Danger = keyof RedFlags;

/** Whether a text tells of danger: to life (`emergency`), or from oneself (`crisis`). */
export function dangerFinder(
  vocabulary: Vocabulary,
  tables: readonly RedFlags[],
): (found: Places) => Danger | undefined {
  const signs = (kind: Danger) => tables.flatMap((table) => lines(table[kind]).flatMap((line) => combinations(line)));
  const term = (written: string) => vocabulary.term(written, near);
  const crisis = signs('crisis').map(term);
  const emergency = signs('emergency').map(term);
  return (found) => {
    const isTold = (terms: readonly Term[]) => terms.some((one) => stands(one, found));
    return isTold(crisis) ? 'crisis' : isTold(emergency) ? 'emergency' : undefined;
  };
}

const lines = (table: string): string[] =>
  table
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** `a|b + c|d` is a+c, a+d, b+c and b+d. */
function combinations(line: string): string[] {
  const parts = line.split(' + ').map((part) => part.split('|').map((word) => word.trim()));
  return parts.reduce<string[]>(
    (before, words) => (before.length === 0 ? words : before.flatMap((one) => words.map((word) => `${one}+${word}`))),
    [],
  );
}
