/**
 * A UID as PS3.5 9.1 has it: digits and dots, no empty component, at most 64 characters. Leading zeros in a
 * component are against the standard but harmless and found in archives, so they pass.
 */
export function isUid(text: string): boolean {
  return text.length > 0 && text.length <= 64 && /^[0-9]+(\.[0-9]+)*$/.test(text);
}
