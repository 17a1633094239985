/** The shortest word in which one wrong letter is forgiven: in shorter ones it is too often another word. */
const forgiving = 5;
/** In words this short only two letters that changed places. */
const swapping = 4;
/** Signs for vowels (Tamil, Devanagari) are marks and no letters: a word of five signs may have three letters. */
const lettersOf = (word: string): number => word.match(/\p{L}/gu)?.length ?? 0;
/** Nobody types such words, and looking at them costs time. */
const longest = 40;

/**
 * Whether `typed` is `meant` with one typing error: a letter too many, too few, another one, or two that changed places
 * (optimal string alignment at a distance of one).
 */
export function isTypingError(typed: string, meant: string): boolean {
  const [a, b] = [[...typed], [...meant]];
  const letters = lettersOf(meant);
  if (letters < swapping || a.length > longest || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const rest = (from: string[], at: number) => from.slice(at).join('');
  const isSwap = a.length === b.length && a[start] === b[start + 1] && a[start + 1] === b[start];
  if (isSwap && rest(a, start + 2) === rest(b, start + 2)) return true;
  if (letters < forgiving) return false;
  if (a.length === b.length) return rest(a, start + 1) === rest(b, start + 1);
  return a.length > b.length ? rest(a, start + 1) === rest(b, start) : rest(a, start) === rest(b, start + 1);
}

/** The same for the beginning of a word. */
export function isTypingErrorOfStem(typed: string, stem: string): boolean {
  const letters = [...typed];
  const { length } = [...stem];
  if (lettersOf(stem) < forgiving) return false;
  return [length - 1, length, length + 1].some(
    (size) => size <= letters.length && isTypingError(letters.slice(0, size).join(''), stem),
  );
}
