/** Which medication and which groups of the site's table a name or a code means. */
import { folded, type ListedMedication, type MedicationCode, type MedicationGroup, type PairRule, type TableRow, wordsOf } from './entries.ts'; // prettier-ignore

export interface Named {
  /** All that it is called: words of a person, displays of codes. */
  texts: readonly string[];
  codes: readonly MedicationCode[];
}

/** What of the table a text or code means: folded names. */
export interface Meaning {
  medications: Set<string>;
  groups: Set<string>;
}

export interface Listed {
  rules: readonly PairRule[];
  medication(name: string): ListedMedication | undefined;
  group(name: string): MedicationGroup | undefined;
  meaningOf(named: Named): Meaning;
}

interface Phrase {
  words: string[];
  row: ListedMedication | MedicationGroup;
}

/** The table, ready to be asked many times. */
export function listed(rows: readonly TableRow[]): Listed {
  const medications = new Map<string, ListedMedication>();
  const groups = new Map<string, MedicationGroup>();
  const byCode = new Map<string, ListedMedication>();
  const byFirstWord = new Map<string, Phrase[]>();
  const rules: PairRule[] = [];
  for (const row of rows) {
    if (row.kind === 'interaction' || row.kind === 'allergy') {
      rules.push(row);
      continue;
    }
    if (row.kind === 'medication') {
      medications.set(folded(row.name), row);
      for (const code of row.codes) byCode.set(keyOf(code), row);
    } else groups.set(folded(row.name), row);
    for (const name of [row.name, ...row.names]) {
      const words = wordsOf(name);
      const [first] = words;
      if (first !== undefined) byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), { words, row }]);
    }
  }
  const add = (meaning: Meaning, row: ListedMedication | MedicationGroup) => {
    if (row.kind === 'group') meaning.groups.add(folded(row.name));
    else meaning.medications.add(folded(row.name));
  };
  return {
    rules,
    medication: (name) => medications.get(folded(name)),
    group: (name) => groups.get(folded(name)),
    meaningOf({ texts, codes }) {
      const meaning: Meaning = { medications: new Set(), groups: new Set() };
      for (const code of codes) {
        const row = byCode.get(keyOf(code));
        if (row) add(meaning, row);
      }
      for (const text of texts) {
        const words = wordsOf(text);
        for (const [at, word] of words.entries())
          for (const phrase of byFirstWord.get(word) ?? [])
            if (phrase.words.every((each, offset) => words[at + offset] === each)) add(meaning, phrase.row);
      }
      return meaning;
    },
  };
}

/**
 * The one medication of the table that a name means, for its code: the longest name that stands in it. Two of them side by
 * side are neither ("paracetamol and codeine"), and a code for half of it would be a wrong one.
 */
export function listedAs(table: Listed, name: string): ListedMedication | undefined {
  const meant = [...table.meaningOf({ texts: [name], codes: [] }).medications].map((one) => table.medication(one)!);
  const text = ` ${folded(name)} `;
  const length = (row: ListedMedication) =>
    Math.max(...[row.name, ...row.names].map(folded).map((one) => (text.includes(` ${one} `) ? one.length : 0)));
  const [first, second] = meant.sort((one, other) => length(other) - length(one));
  if (!first || !second) return first;
  const inside = [second.name, ...second.names].some((one) =>
    [first.name, ...first.names].some((whole) => ` ${folded(whole)} `.includes(` ${folded(one)} `)),
  );
  return inside ? first : undefined;
}

/** The groups that a meaning names, and those of its medications. */
export function groupsOf(table: Listed, { medications, groups }: Meaning): Set<string> {
  const all = new Set(groups);
  for (const name of medications) for (const group of table.medication(name)?.groups ?? []) all.add(folded(group));
  return all;
}

export function keyOf({ system, code }: MedicationCode): string {
  return `${system}|${code}`;
}
