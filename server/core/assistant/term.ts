import { isTypingError } from './typing-error.ts';
import { wordsOf } from './text-words.ts';

/**
 * What a table of words holds, as it is written there: `word` is that word as a whole and never a part of another
 * ("hi" is not in "machine"); `stem*` begins a word; `two_words` follow each other; `one|other` is either of them, and
 * counts once; `one+other` stand both in the text. After `!` stands what must not be in it (`collapsed!lung|menu`).
 */
export interface Term {
  /** Of each part one of the phrases. */
  parts: Phrase[][];
  /** How many words the parts may stand apart. */
  near: number;
  unless: Phrase[];
}

/** Indexes of atoms that follow each other. */
type Phrase = number[];

/** A word or a stem, once for all terms that name it. */
interface Atom {
  word: string;
  isStem: boolean;
}

/** Where each atom stands in a text. */
export type Places = ReadonlyMap<number, readonly number[]>;

/** Gathers the words of all tables, and finds them in texts. */
export class Vocabulary {
  readonly #atoms: Atom[] = [];
  /** By how they are written. */
  readonly #words = new Map<string, number>();
  readonly #stems = new Map<string, number>();
  /** By themselves with one letter less: a text of a thousand characters is looked up, not compared with every word. */
  readonly #nearWords = new Map<string, number[]>();
  readonly #nearStems = new Map<string, number[]>();
  readonly #common: ReadonlySet<string>;

  /** @param common words that are no typing errors of others. */
  constructor(common: readonly string[] = []) {
    this.#common = new Set(common);
  }

  /** @param near how many words apart the parts may stand; anywhere without it. */
  term(written: string, near = Infinity): Term {
    const [needed = '', without] = written.split('!');
    return {
      parts: needed.split('+').map((part) => this.#phrases(part)),
      near,
      unless: without === undefined ? [] : this.#phrases(without),
    };
  }

  #phrases(alternatives: string): Phrase[] {
    // "x-ray" is one word for who writes the table, and two in every text.
    return alternatives.split('|').map((phrase) => phrase.split('_').flatMap((part) => this.#atomsOf(part.trim())));
  }

  #atomsOf(part: string): number[] {
    const isStem = part.endsWith('*');
    const words = wordsOf(part);
    return words.map((word, at) => this.#atom({ word, isStem: isStem && at === words.length - 1 }));
  }

  #atom(atom: Atom): number {
    const known = atom.isStem ? this.#stems : this.#words;
    const standing = known.get(atom.word);
    if (standing !== undefined) return standing;
    const index = this.#atoms.push(atom) - 1;
    known.set(atom.word, index);
    const near = atom.isStem ? this.#nearStems : this.#nearWords;
    for (const form of shortened(atom.word)) near.set(form, [...(near.get(form) ?? []), index]);
    return index;
  }

  /** A word that no table has is looked for once more as a typing error of one that a table has. */
  placesIn(words: readonly string[]): Places {
    const places = new Map<number, number[]>();
    const met = new Map<string, ReadonlySet<number>>();
    words.forEach((word, at) => {
      const found = met.get(word) ?? this.#look(word);
      met.set(word, found);
      for (const atom of found) {
        const list = places.get(atom);
        if (list) list.push(at);
        else places.set(atom, [at]);
      }
    });
    return places;
  }

  #look(word: string): ReadonlySet<number> {
    const beginnings = beginningsOf(word);
    const found = [this.#words.get(word), ...beginnings.map((start) => this.#stems.get(start))];
    const exact = new Set(found.filter((index) => index !== undefined));
    if (exact.size > 0 || this.#common.has(word) || word.length > longest) return exact;
    const near = new Set<number>();
    this.#takeNear(near, this.#nearWords, word);
    for (const start of beginnings) this.#takeNear(near, this.#nearStems, start);
    return near;
  }

  #takeNear(found: Set<number>, table: ReadonlyMap<string, readonly number[]>, typed: string): void {
    for (const form of shortened(typed))
      for (const index of table.get(form) ?? []) {
        const { word, isStem } = this.#atoms[index]!;
        // The beginning of a word is a stem with an error, where a whole word of four may have two letters swapped.
        if (isTypingError(typed, word, isStem)) found.add(index);
      }
  }
}

/** Nobody types longer words, and each letter costs time. */
const longest = 40;

/** A word, and what it is without any one of its letters. Two words with one error between them have one of these in common. */
function shortened(word: string): string[] {
  const letters = [...word];
  return [word, ...letters.map((_letter, at) => letters.toSpliced(at, 1).join(''))];
}

function beginningsOf(word: string): string[] {
  return [...word].map((_letter, at, letters) => letters.slice(0, at + 1).join(''));
}

/** Whether a text has the term. */
export const stands = (term: Term, places: Places): boolean => whereStands(term, places) !== undefined;

/** Which words of a text are the term, if it has it. */
export function whereStands({ parts, near, unless }: Term, places: Places): number[] | undefined {
  const words: number[] = [];
  const at: number[][] = [];
  for (const part of parts) {
    const starts: number[] = [];
    for (const phrase of part)
      for (const start of startsOf(phrase, places)) {
        starts.push(start);
        words.push(...phrase.map((_atom, i) => start + i));
      }
    if (starts.length === 0) return undefined;
    at.push(starts);
  }
  if (unless.some((phrase) => startsOf(phrase, places).length > 0)) return undefined;
  const [first = [], ...others] = at;
  const isNear = (start: number) => others.every((list) => list.some((place) => Math.abs(place - start) <= near));
  return first.some(isNear) ? words : undefined;
}

const nowhere: readonly number[] = [];

function startsOf([first, ...others]: Phrase, places: Places): readonly number[] {
  const starts = (first !== undefined && places.get(first)) || nowhere;
  if (others.length === 0 || starts.length === 0) return starts;
  return starts.filter((start) => others.every((atom, i) => places.get(atom)?.includes(start + i + 1)));
}
