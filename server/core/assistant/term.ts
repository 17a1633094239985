import { isTypingError, isTypingErrorOfStem } from './typing-error.ts';
import { wordsOf } from './text-words.ts';

/**
 * What a table of words holds, as it is written there: `word` is that word as a whole and never a part of another
 * ("hi" is not in "machine"); `stem*` begins a word; `two_words` follow each other; `one+other` stand anywhere in the text.
 */
export interface Term {
  /** Indexes of atoms. */
  atoms: number[];
  /** How far apart they may stand: 1 is one after the other, in this order. */
  within: number;
}

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
  readonly #known = new Map<string, number>();
  readonly #exact = new Map<string, number>();
  readonly #common: ReadonlySet<string>;

  /** @param common words that are no typing errors of others. */
  constructor(common: readonly string[] = []) {
    this.#common = new Set(common);
  }

  /** @param within for `one+other`: how many words apart; anywhere without it. */
  term(written: string, within = Infinity): Term {
    const isPhrase = written.includes('_');
    const atoms = written.split(isPhrase ? '_' : '+').flatMap((part) => this.#atomsOf(part));
    // "x-ray" is one word for who writes the table, and two in every text.
    return { atoms, within: isPhrase || !written.includes('+') ? 1 : within };
  }

  #atomsOf(part: string): number[] {
    const isStem = part.endsWith('*');
    const words = wordsOf(part);
    return words.map((word, at) => this.#atom({ word, isStem: isStem && at === words.length - 1 }));
  }

  #atom(atom: Atom): number {
    const key = `${atom.word}${atom.isStem ? '*' : ''}`;
    const standing = this.#known.get(key);
    if (standing !== undefined) return standing;
    const index = this.#atoms.push(atom) - 1;
    this.#known.set(key, index);
    if (!atom.isStem) this.#exact.set(atom.word, index);
    return index;
  }

  /** A word that no table has is looked for once more as a typing error of one that a table has. */
  placesIn(words: readonly string[]): Places {
    const places = new Map<number, number[]>();
    const met = new Map<string, number[]>();
    words.forEach((word, at) => {
      const found = met.get(word) ?? this.#look(word);
      met.set(word, found);
      for (const atom of found) places.set(atom, [...(places.get(atom) ?? []), at]);
    });
    return places;
  }

  #look(word: string): number[] {
    const exact = this.#exact.get(word);
    const found = this.#indexes((atom) => atom.isStem && word.startsWith(atom.word));
    if (exact !== undefined) found.push(exact);
    if (found.length > 0 || this.#common.has(word)) return found;
    return this.#indexes(({ word: meant, isStem }) =>
      isStem ? isTypingErrorOfStem(word, meant) : isTypingError(word, meant),
    );
  }

  #indexes(holds: (atom: Atom) => boolean): number[] {
    return this.#atoms.flatMap((atom, index) => (holds(atom) ? [index] : []));
  }
}

/** Whether a text has the term. */
export function stands({ atoms, within }: Term, places: Places): boolean {
  const at = atoms.map((atom) => places.get(atom) ?? []);
  if (at.some((list) => list.length === 0)) return false;
  if (atoms.length === 1 || within === Infinity) return true;
  const [first = [], ...others] = at;
  if (within === 1) return first.some((start) => others.every((list, i) => list.includes(start + i + 1)));
  return first.some((start) => others.every((list) => list.some((place) => Math.abs(place - start) <= within)));
}
