/**
 * Content negotiation (RFC 9110 12.5.1) with what DICOMweb adds to it: multipart types by their `type`
 * parameter and `transfer-syntax` as part of the choice (PS3.18 8.7).
 *
 * Lenient in form, because clients in the field are not careful (`type=application/dicom` without quotes,
 * `transfer-syntax="*"` with them, `+` turned into a space by a query string); strict in meaning.
 */

/** One media range of an Accept header. All names in lower case; parameter values as sent. */
export interface MediaRange {
  type: string;
  subtype: string;
  parameters: ReadonlyMap<string, string>;
  q: number;
}

/** A representation that a resource can give. `part` is the `type` parameter of a multipart type. */
export interface Offer<Name extends string = string> {
  name: Name;
  media: string;
  part?: string;
}

/** An offer that the caller accepts, with the parameters of the range that accepted it. */
export interface Choice<Name extends string = string> {
  name: Name;
  /** Media type of the content: of the parts, if it is multipart. */
  media: string;
  /** `*` for any; undefined when the caller names none. */
  transferSyntax: string | undefined;
}

const rangesLimit = 64;
const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/**
 * What the caller accepts, best first: by q, then by how exact the range is, then in the order of the header.
 * A choice that cannot be served (no such transfer syntax) leaves the next one; none left is a 406.
 *
 * @param accept the Accept header; empty or absent accepts everything
 * @param override the `accept` query parameter, which takes the header's place (PS3.18 8.3.3.1)
 * @param offers in the order of the server's preference
 */
export function negotiate<Name extends string>(
  accept: string | undefined,
  override: string | undefined,
  offers: readonly Offer<Name>[],
): Choice<Name>[] {
  const given = override ?? accept ?? '';
  const ranges = given.trim() === '' ? parseAccept('*/*') : parseAccept(given);
  const refused = ranges.filter(({ q }) => q === 0);
  const choices: (Choice<Name> & { q: number; exact: number })[] = [];
  for (const range of ranges) {
    if (range.q === 0) continue;
    for (const offer of offers) {
      if (!matches(range, offer)) continue;
      const exact = exactness(range);
      if (refused.some((other) => matches(other, offer) && exactness(other) >= exact && sameSyntax(other, range)))
        continue;
      const media = offer.part ?? offer.media;
      choices.push({ name: offer.name, media, transferSyntax: transferSyntaxOf(range), q: range.q, exact });
    }
  }
  // Array sorting is stable: equal ones stay in the order of the header.
  return choices
    .sort((a, b) => b.q - a.q || b.exact - a.exact)
    .map(({ name, media, transferSyntax }) => ({ name, media, transferSyntax }));
}

/** Reads an Accept header; what is not a media range is left out, as if it had not been sent. */
export function parseAccept(header: string): MediaRange[] {
  return splitOutsideQuotes(header, ',').slice(0, rangesLimit).map(mediaRange).filter((range) => range !== undefined); // prettier-ignore
}

function mediaRange(text: string): MediaRange | undefined {
  const [media = '', ...rest] = splitOutsideQuotes(text, ';');
  // In a query string an unescaped plus sign arrives as a space.
  const [type = '', subtype = '', ...more] = media.trim().toLowerCase().replaceAll(' ', '+').split('/');
  if (more.length > 0 || !token.test(type) || !token.test(subtype) || (type === '*' && subtype !== '*'))
    return undefined;
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    const name = parameter.slice(0, equals).trim().toLowerCase();
    if (equals > 0 && token.test(name) && !parameters.has(name))
      parameters.set(name, unquoted(parameter.slice(equals + 1).trim()));
  }
  const q = qValue(parameters.get('q'));
  return q === undefined ? undefined : { type, subtype, parameters, q };
}

function qValue(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1).replace(/\\(.)/g, '$1')
    : value;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function matches(range: MediaRange, offer: Offer): boolean {
  if (!covers(`${range.type}/${range.subtype}`, offer.media)) return false;
  const part = partOf(range);
  return part === undefined || offer.part === undefined || covers(part, offer.part);
}

function covers(range: string, media: string): boolean {
  return range === '*/*' || range === media || (range.endsWith('/*') && media.startsWith(range.slice(0, -1)));
}

/** The `type` parameter without parameters of its own, which some clients put into its quotes. */
function partOf(range: MediaRange): string | undefined {
  return range.parameters.get('type')?.split(';')[0]?.trim().toLowerCase();
}

function transferSyntaxOf(range: MediaRange): string | undefined {
  const inside = /;\s*transfer-syntax=\s*"?([^";]+)/i.exec(range.parameters.get('type') ?? '')?.[1];
  return range.parameters.get('transfer-syntax')?.trim() ?? inside?.trim();
}

function exactness(range: MediaRange): number {
  if (range.type === '*') return 0;
  if (range.subtype === '*') return 1;
  return 2 + (range.parameters.has('type') ? 1 : 0) + (range.parameters.has('transfer-syntax') ? 1 : 0);
}

/** A refused transfer syntax refuses that one only. */
function sameSyntax(refused: MediaRange, range: MediaRange): boolean {
  const syntax = transferSyntaxOf(refused);
  return syntax === undefined || syntax === transferSyntaxOf(range);
}
