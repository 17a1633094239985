/** What a site keeps for its pharmacists: templates of prescriptions, and the table that prescriptions are checked by. */
import { z } from 'zod';
import { hasControls, hasInk } from '../readable-text.ts';
import { doseShape } from './dose-shape.ts';

const line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(longest, `may have ${longest} characters at most`)
    .refine((text) => hasInk(text) && !hasControls(text), 'must be text that can be read');
/** Begins with a letter or a figure: a cell that a spreadsheet would run as a formula is none. */
const word = (longest: number) =>
  line(longest)
    .refine((text) => /^[\p{L}\p{N}]/u.test(text), 'must begin with a letter or a figure')
    .refine((text) => !/[;\n\r|]/.test(text), 'has no semicolon, no upright line and no line end');

const texts = (longest: number) => z.strictObject({ en: line(longest), ta: line(longest), hi: line(longest) });
const code = z.strictObject({
  system: z.url('must be the address of a code system').max(200),
  code: z.string().regex(/^[^\s;|]{1,64}$/, 'is no code'),
});
export type MedicationCode = z.infer<typeof code>;

const severity = z.enum(['high', 'moderate', 'low']);
export type Severity = z.infer<typeof severity>;

/** A prescription to begin from. Its words are in three languages: the record gets those of the site's language. */
export const templateShape = z.strictObject({
  kind: z.literal('template'),
  label: texts(60),
  medication: texts(200),
  codes: z.array(code).max(5).default([]),
  dose: doseShape.optional(),
  /** Where the fields cannot say it: then there is no `dose`. */
  words: texts(500).optional(),
  notes: texts(4000),
});

const medicationShape = z.strictObject({
  kind: z.literal('medication'),
  name: word(120),
  names: z.array(word(120)).max(40).default([]).describe('other names: brands, spellings'),
  codes: z.array(code).max(5).default([]),
  groups: z.array(word(120)).max(20).default([]),
});
const groupShape = z.strictObject({
  kind: z.literal('group'),
  name: word(120),
  names: z.array(word(120)).max(40).default([]),
  oneAtATime: z.boolean().default(false).describe('two of it are a duplicate'),
  crossAllergy: z.boolean().default(false).describe('who is allergic to one may be so to all'),
});
const pair = { one: word(120), other: word(120), severity, text: word(1000) };
const interactionShape = z.strictObject({ kind: z.literal('interaction'), ...pair });
/** Who is allergic to `one` may not stand `other`. */
const allergyShape = z.strictObject({ kind: z.literal('allergy'), ...pair });

export const tableShape = z.discriminatedUnion('kind', [medicationShape, groupShape, interactionShape, allergyShape]);

export type Template = z.infer<typeof templateShape>;
export type ListedMedication = z.infer<typeof medicationShape>;
export type MedicationGroup = z.infer<typeof groupShape>;
export type PairRule = z.infer<typeof interactionShape> | z.infer<typeof allergyShape>;
export type TableRow = z.infer<typeof tableShape>;
export type EntryContent = Template | TableRow;
export type EntryKind = EntryContent['kind'];
export const tableKinds = ['medication', 'group', 'interaction', 'allergy'] as const;

/** By what two rows of the table are the same row: a name once, a pair once in either order (an allergy has a direction). */
export function keyOfRow(row: TableRow): string {
  if (row.kind === 'medication' || row.kind === 'group') return `name ${folded(row.name)}`;
  const names = [folded(row.one), folded(row.other)];
  if (row.kind === 'interaction') names.sort();
  return `${row.kind} ${names.join(' + ')}`;
}

/** Small letters without accents, one blank between words. Vowel signs of Indian scripts stay. */
export function folded(text: string): string {
  return wordsOf(text).join(' ');
}

/** The words of a text, folded: what names are compared by. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replaceAll(/[\u0300-\u036f]/g, '').normalize('NFC').toLowerCase(); // prettier-ignore
  return plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}
