/**
 * A text as the words that are looked up: small letters, without accents of input methods, cut where something stands
 * that is neither letter, mark nor digit. An apostrophe joins ("can't" is "cant"), a hyphen parts ("x-ray" is two words).
 */
export function wordsOf(text: string): string[] {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’‘`\u200B-\u200D\u2060\uFEFF]/g, '')
    // Devanagari is written with and without the dot below, and with either sign for a nasal.
    .replace(/[\u0958-\u095F]/g, (letter) => letter.normalize('NFD'))
    .replace(/\u093C/g, '')
    .replace(/\u0901/g, '\u0902');
  return plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/** How many characters a person would count: what is written with several code units is one. */
export const lengthOf = (text: string): number => [...text].length;
