/**
 * What is to be thought of before medication is proposed: the same twice, what does not go together, and allergies, by the
 * table that the site keeps. It knows no dose, no kidney, no pregnancy and nothing that the table does not say.
 */
import { derivedId } from '../derived-id.ts';
import { folded, type MedicationCode, type Severity, wordsOf } from './entries.ts';
import { groupsOf, keyOf, type Listed, type Meaning, type Named } from './listed.ts';

export const warningKinds = ['duplicate', 'interaction', 'allergy'] as const;
export type WarningKind = (typeof warningKinds)[number];

export interface Warning {
  /** The same for the same warning, on the page and when the prescription is completed. It says nothing by itself. */
  id: string;
  kind: WarningKind;
  severity: Severity;
  /** The proposed medication, by its place in the prescription. */
  medication: number;
  /** What it meets: a record of the patient, or another medication of the prescription. */
  with: { text: string; reference?: string; medication?: number };
  /** What the table says of it; empty for a plain match. */
  text: string;
}

export interface Proposed {
  name: string;
  codes: readonly MedicationCode[];
}

/** A record of the patient that medication is held against. */
export interface Standing extends Named {
  reference: string;
  /** As it is called on the page. */
  text: string;
  high?: boolean;
}

export interface Checked {
  warnings: Warning[];
  /** Places of medication that the table does not list: those were compared by name only. */
  unlisted: number[];
}

interface Side extends Named {
  text: string;
  meaning: Meaning;
  groups: Set<string>;
  reference?: string;
  place?: number;
  high?: boolean;
}

export function checkMedication(
  table: Listed,
  proposed: readonly Proposed[],
  standing: { medications: readonly Standing[]; allergies: readonly Standing[] },
): Checked {
  const sideOf = <One extends Named & { text: string }>(one: One) => {
    const meaning = table.meaningOf(one);
    return { ...one, meaning, groups: groupsOf(table, meaning) };
  };
  const sides: Side[] = proposed.map(({ name, codes }, place) => sideOf({ text: name, texts: [name], codes, place }));
  const medications: Side[] = standing.medications.map(sideOf);
  const allergies: Side[] = standing.allergies.map(sideOf);
  const found: Warning[] = [];
  for (const [place, side] of sides.entries()) {
    for (const other of [...medications, ...sides.slice(place + 1)])
      found.push(...duplicateOf(table, side, other), ...interactionsOf(table, side, other));
    for (const allergy of allergies) found.push(...allergyTo(table, side, allergy));
  }
  const unlisted = sides.flatMap(({ meaning }, place) => (meaning.medications.size === 0 ? [place] : []));
  return { warnings: found.sort((a, b) => ranks[a.severity] - ranks[b.severity]), unlisted };
}

const ranks: Record<Severity, number> = { high: 0, moderate: 1, low: 2 };

/** Words that are no ingredient: strengths, forms, salts and what stands beside an allergen. */
const noIngredient = new Set([
  'mg', 'g', 'ug', 'mcg', 'ml', 'iu', 'microgram', 'micrograms', 'milligram', 'milligrams', 'unit', 'units', 'percent',
  'tablet', 'tablets', 'tab', 'tabs', 'capsule', 'capsules', 'cap', 'caps', 'inhaler', 'syrup', 'suspension', 'solution', 'drops',
  'cream', 'ointment', 'gel', 'patch', 'injection', 'oral', 'film', 'coated', 'extended', 'release', 'retard', 'forte', 'daily', 'and',
  'with', 'for', 'of', 'the', 'in', 'to', 'hydrochloride', 'sodium', 'potassium', 'calcium', 'acid', 'allergy', 'allergic', 'drug',
  'intolerance', 'reaction', 'product', 'medication', 'medicine', 'substance', 'known', 'adverse',
]); // prettier-ignore

function ingredients({ texts }: Named): string[] {
  return texts
    .flatMap(wordsOf)
    .filter((word) => word.length > 1 && !/^\d+\p{L}{0,3}$/u.test(word) && !noIngredient.has(word));
}

function shares<Value>(one: ReadonlySet<Value>, other: ReadonlySet<Value>): Value[] {
  return [...one].filter((value) => other.has(value));
}

/** What the table does not list is compared by the words of its name, and by its codes. */
function isSame(one: Side, other: Side): boolean {
  if (shares(one.meaning.medications, other.meaning.medications).length > 0) return true;
  const codes = new Set(other.codes.map(keyOf));
  if (one.codes.some((code) => codes.has(keyOf(code)))) return true;
  if (one.meaning.medications.size > 0 && other.meaning.medications.size > 0) return false;
  const [mine, theirs] = [new Set(ingredients(one)), new Set(ingredients(other))];
  const common = shares(mine, theirs).length;
  return common > 0 && common === Math.min(mine.size, theirs.size);
}

function duplicateOf(table: Listed, side: Side, other: Side): Warning[] {
  if (isSame(side, other)) return [warning('duplicate', side, other, 'high', [])];
  const alike = shares(side.groups, other.groups).filter((name) => table.group(name)?.oneAtATime);
  const names = alike.map((name) => table.group(name)!.name);
  return names.length > 0 ? [warning('duplicate', side, other, 'moderate', names)] : [];
}

function interactionsOf(table: Listed, side: Side, other: Side): Warning[] {
  const is = ({ meaning, groups }: Side, name: string) =>
    meaning.medications.has(folded(name)) || groups.has(folded(name));
  const rules = table.rules.filter(
    (rule) =>
      rule.kind === 'interaction' &&
      ((is(side, rule.one) && is(other, rule.other)) || (is(side, rule.other) && is(other, rule.one))),
  );
  return together('interaction', side, other, rules);
}

function together(kind: WarningKind, side: Side, other: Side, rules: readonly { severity: Severity; text: string }[]) {
  if (rules.length === 0) return [];
  const severity = rules.map((rule) => rule.severity).sort((a, b) => ranks[a] - ranks[b])[0]!;
  return [warning(kind, side, other, severity, [...new Set(rules.map(({ text }) => text))])];
}

function allergyTo(table: Listed, side: Side, allergy: Side): Warning[] {
  const named = shares(side.groups, allergy.meaning.groups).length > 0;
  const mine = new Set(ingredients(side));
  const byWord = ingredients(allergy).some((word) => word.length > 3 && word !== 'vitamin' && mine.has(word));
  if (isSame(side, allergy) || named || byWord) return [warning('allergy', side, allergy, 'high', [])];
  const cross = shares(side.groups, allergy.groups).filter((name) => table.group(name)?.crossAllergy);
  if (cross.length > 0) {
    const names = cross.map((name) => table.group(name)!.name);
    return [warning('allergy', side, allergy, 'high', names)];
  }
  const is = ({ meaning, groups }: Side, name: string) =>
    meaning.medications.has(folded(name)) || groups.has(folded(name));
  const rules = table.rules.filter((rule) => rule.kind === 'allergy' && is(allergy, rule.one) && is(side, rule.other));
  const [found] = together('allergy', side, allergy, rules);
  return found ? [{ ...found, severity: allergy.high ? 'high' : found.severity }] : [];
}

function warning(kind: WarningKind, side: Side, other: Side, severity: Severity, texts: readonly string[]): Warning {
  const { reference, place } = other;
  return {
    id: derivedId('medication-warning', kind, folded(side.text), reference ?? folded(other.text)),
    kind,
    severity,
    medication: side.place!,
    with: {
      text: other.text,
      ...(reference !== undefined && { reference }),
      ...(place !== undefined && { medication: place }),
    },
    text: texts.join('\n'),
  };
}
