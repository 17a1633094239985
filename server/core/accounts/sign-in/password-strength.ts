import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';
import { normalise } from './password.ts';

/** NIST SP 800-63B-4 3.1.1.2: 15 characters where the password is the only factor, 8 beside a second one. */
export const minimumLength = { alone: 15, withSecondFactor: 8 };
export const maximumLength = 128;

/** Tries (as a power of ten) that a password must outlast: what the library calls safely and somewhat unguessable. */
const leastGuesses = { alone: 8, withSecondFactor: 6 };
/** Of a longer one the beginning is judged: the rest only adds, and the time on the event loop grows (20 ms for 40). */
const judgedCharacters = 40;

/**
 * Why a new password is not good enough, in a sentence for the person; undefined when it is. There are no rules of
 * composition and no expiry (NIST SP 800-63B-4 3.1.1.2): length, and not what is tried first. The list of those is the
 * library's (leaked passwords, words, names), with what an attacker knows of this person and site.
 *
 * @param options.secondFactor whether the account can never be without a second factor; who may take it off again needs
 * the longer password.
 * @param options.context address, name, name of the site.
 */
export function passwordFault(
  password: string,
  options: { secondFactor: boolean; context?: readonly string[] },
): string | undefined {
  const kind = options.secondFactor ? 'withSecondFactor' : 'alone';
  const text = normalise(password);
  const length = [...text].length;
  if (length < minimumLength[kind])
    return `Use at least ${minimumLength[kind]} characters; a few words in a row are easy to remember.`;
  if (length > maximumLength) return `Use at most ${maximumLength} characters.`;
  if (judge().check(text, wordsOf(options.context ?? [])).guessesLog10 < leastGuesses[kind])
    return 'This password is among the first that an attacker tries. Choose another.';
  return undefined;
}

/** What is known of the person and the site, whole and in its words; also as one word with the site's own name. */
function wordsOf(context: readonly string[]): string[] {
  const words = context.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [
    ...new Set([...words, 'csss', 'radiology'].map((word) => word.toLowerCase()).filter((word) => word.length > 2)),
  ];
}

let made: ZxcvbnFactory | undefined;

/** Made at its first use: unpacking the lists takes a quarter of a second and 50 MB, which a worker never needs. */
function judge(): ZxcvbnFactory {
  made ??= new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    // The search for words that are merely similar takes seconds on the event loop.
    useLevenshteinDistance: false,
    l33tMaxSubstitutions: 4,
    maxLength: judgedCharacters,
  });
  return made;
}
