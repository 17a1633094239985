/** Fails as a parser does: with the value in the message. */
export function parsePatch(text: string): unknown {
  return JSON.parse(text) as unknown;
}
