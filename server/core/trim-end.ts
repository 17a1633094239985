/**
 * The text without those of `characters` that stand at its end. In one pass: `/x+$/` looks at every run of them
 * again from each of its letters, which takes seconds on a text that somebody made for it.
 */
export function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1]!)) end--;
  return end === text.length ? text : text.slice(0, end);
}
