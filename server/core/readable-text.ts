/**
 * What a reader sees of a text, decided by Unicode's categories: a list of characters to refuse is never complete, so
 * these are lists of what is good.
 */

/** Letters, numbers, punctuation and symbols, without those that fonts draw as nothing (fillers, blank patterns). */
const ink = /[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{13441}\u{13442}\u{1d159}]]/v;

/** Whether there is anything to read: blanks, marks without a letter, and characters without a shape are nothing. */
export function hasInk(text: string | undefined): boolean {
  return text !== undefined && ink.test(text);
}

/** Line ends and tabs are the only control characters of text. */
export function hasControls(text: string): boolean {
  return /[\p{Cc}--[\t\n\r]]/v.test(text);
}

/**
 * Everything that may be printed: characters with a shape, blanks, what scripts need to join and part letters. Left out
 * are controls, halves of characters, and what turns the direction of the text around it: a name could then change
 * the order of a dose.
 */
const unprintable =
  /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}\p{Co}[\p{Cn}--\p{Noncharacter_Code_Point}]\t\n\r\u00ad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u200b-\u200f\u2060-\u2064\ufeff]/gv;

/** The text as it may stand on paper, with line ends of one kind. */
export function printable(text: string): string {
  return text.replaceAll(/\r\n?|[\u2028\u2029]/g, '\n').replaceAll(unprintable, '');
}
