/**
 * Words that rows of work are found by. A text is folded (case, accents, compatibility forms) and cut at everything that is
 * no letter, mark or digit; a search finds rows that have, for each word asked for, one that begins with it.
 */
import { displays } from '../../vocabulary/displays.ts';
import { own } from '../../table.ts';
import type { WorkRow } from './work-row.ts';

const mostWords = 200;
const longestWord = 60;
/** Of one search: more words than anybody types, and each costs. */
export const mostWordsAsked = 12;

/** Letters that decomposition does not bring to what a person types without them. */
const spelled: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ς: 'σ',
};

/**
 * Accents of Latin, Greek and Cyrillic, points of Hebrew, signs of Arabic that are left out in writing, and what joins or
 * parts letters unseen. The vowel signs of Indic scripts are marks too and stay: without them it is another word.
 */
const leftOut = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\ufeff]/gu;

export function folded(text: string): string {
  const plain = text.normalize('NFKD').toLowerCase().normalize('NFKD').replace(leftOut, '');
  return plain.replace(/[ßæœøłđðþıħς]/gu, (letter) => own(spelled, letter) ?? letter);
}

/** Scripts that put no space between words: each place in them may be where a word begins. */
const unparted =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** What a row is found by, each word once. @param otherwise of its patient: other names and former numbers. */
export function wordsOf(row: WorkRow, otherwise: readonly string[] = []): string[] {
  const { patient, study, finding, conclusion } = row;
  const texts = [
    patient.name,
    patient.recordNumber,
    row.accession,
    row.scan,
    study.modality,
    study.bodyPart,
    study.description,
    displays.status[row.status],
    row.status,
    finding && (own(displays.finding, finding.label) ?? finding.label),
    finding?.label,
    conclusion?.text,
    ...otherwise,
  ];
  const words = new Set<string>();
  for (const text of texts)
    for (const word of text === undefined ? [] : wordsIn(text)) if (words.size < mostWords) words.add(word);
  return [...words];
}

/** The words of a text; one with signs between its letters (`O'Brien`, `ACC-12`) whole as well. */
function wordsIn(text: string): string[] {
  const words: string[] = [];
  for (const piece of folded(text).split(/\s+/u)) {
    const parts = partsIn(piece);
    if (parts.length > 1) words.push(parts.join(''));
    for (const part of parts) words.push(...(unparted.test(part) ? endsOf(part) : [part]));
  }
  return words.map((word) => [...word].slice(0, longestWord).join(''));
}

function partsIn(text: string): string[] {
  return text.split(/[^\p{L}\p{M}\p{N}]+/u).filter((part) => part !== '');
}

function endsOf(part: string): string[] {
  const letters = [...part].slice(0, longestWord);
  return letters.map((_letter, at) => letters.slice(at).join(''));
}

/** A word that is asked for: the pieces of it that must all be found, and the day or month that it may mean instead. */
export interface AskedWord {
  parts: string[];
  /** `2026-11` or `2026-11-27`. */
  day?: string;
}

/** What is asked for; nothing for a text without letters and digits. */
export function wordsAsked(text: string): AskedWord[] {
  const asked = folded(text)
    .split(/\s+/u)
    .map((piece): AskedWord => {
      const parts = partsIn(piece).map((part) => [...part].slice(0, longestWord).join(''));
      return { parts, ...(/^\d{4}-\d\d(-\d\d)?$/.test(piece) && { day: piece }) };
    });
  return asked.filter(({ parts }) => parts.length > 0).slice(0, mostWordsAsked);
}
