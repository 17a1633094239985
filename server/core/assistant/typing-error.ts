/** The shortest word in which one wrong letter is forgiven: in shorter ones it is too often another word. */
const forgiving = 5;
/** The shortest in which the first letter may be the wrong one, and the shortest stem: many words begin like a short one. */
const long = 7;
const longStem = 6;
/** In words this short only two letters that changed places. */
const swapping = 4;
/** Signs for vowels (Tamil, Devanagari) are marks and no letters: a word of five signs may have three letters. */
const lettersOf = (word: string): number => word.match(/\p{L}/gu)?.length ?? 0;

/**
 * Whether `typed` is `meant` with one typing error: a letter too many, too few, another one, or two that changed places
 * (optimal string alignment at a distance of one).
 *
 * @param isStem a beginning is compared with a stem.
 */
export function isTypingError(typed: string, meant: string, isStem = false): boolean {
  const [a, b] = [[...typed], [...meant]];
  const letters = lettersOf(meant);
  if (letters < (isStem ? longStem : swapping) || Math.abs(a.length - b.length) > 1) return false;
  if (letters < long && a[0] !== b[0]) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const rest = (from: string[], at: number) => from.slice(at).join('');
  const isSwap = a.length === b.length && a[start] === b[start + 1] && a[start + 1] === b[start];
  if (isSwap && rest(a, start + 2) === rest(b, start + 2)) return true;
  if (Math.min(letters, lettersOf(typed)) < forgiving) return false;
  if (a.length === b.length) return rest(a, start + 1) === rest(b, start + 1);
  return a.length > b.length ? rest(a, start + 1) === rest(b, start) : rest(a, start) === rest(b, start + 1);
}
