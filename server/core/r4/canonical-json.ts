/**
 * The one spelling of a JSON value (RFC 8785): names sorted by UTF-16 code units, no blanks, numbers and strings as
 * ECMAScript writes them. Two values that say the same have the same bytes, so a digest of them can be compared.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    // The default order of sort() is that of UTF-16 code units (RFC 8785 3.2.3).
    .map(([name, member]) => [JSON.stringify(name), canonicalJson(member), name] as const)
    .sort(([, , one], [, , other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${name}:${member}`).join(',')}}`;
}
