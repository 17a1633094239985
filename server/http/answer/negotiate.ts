/**
 * Content negotiation (RFC 9110 12.5.1) for every face: a face says what it offers. With what DICOMweb adds to it,
 * multipart types by their `type` parameter and `transfer-syntax` as part of the choice (PS3.18 8.7), and what FHIR adds,
 * parameters that an offer goes with (`fhirVersion`).
 *
 * Lenient in form, because clients in the field are not careful (`type=application/dicom` without quotes,
 * `transfer-syntax="*"` with them, `+` turned into a space by a query string); strict in meaning.
 */
import { mediaType, splitOutsideQuotes, type MediaType } from './media-type.ts';

/** One media range of an Accept header. */
export interface MediaRange extends MediaType {
  q: number;
}

/** A representation that a resource can give. */
export interface Offer<Name extends string = string> {
  name: Name;
  media: string;
  /** The `type` parameter of a multipart type. */
  part?: string;
  /** Values that it goes with, by parameter in lower case: a range that asks for another one does not accept it. */
  only?: Readonly<Record<string, RegExp>>;
}

/** An offer that the caller accepts, with the parameters of the range that accepted it. */
export interface Choice<Name extends string = string> {
  name: Name;
  /** Media type of the content: of the parts, if it is multipart. */
  media: string;
  /** `*` for any; undefined when the caller names none. */
  transferSyntax: string | undefined;
  /** Of the range. */
  parameters: ReadonlyMap<string, string>;
}

const rangesLimit = 64;

/**
 * What the caller accepts, best first: by q, then by how exact the range is, then in the order of the header. The q of an
 * offer is that of the most exact range that names it, so `text/plain;q=0.1` beside a
 * wildcard accepts plain text last, and q=0 refuses it.
 * A choice that cannot be served (no such transfer syntax) leaves the next one; none left is a 406.
 *
 * @param accept the Accept header; empty or absent accepts everything
 * @param override the `accept` query parameter (PS3.18 8.3.3.1) or `_format` (FHIR), which takes the header's place
 * @param offers in the order of the server's preference
 */
export function negotiate<Name extends string>(
  accept: string | undefined,
  override: string | undefined,
  offers: readonly Offer<Name>[],
): Choice<Name>[] {
  const given = override ?? accept ?? '';
  const ranges = given.trim() === '' ? parseAccept('*/*') : parseAccept(given);
  const choices: (Choice<Name> & { q: number; exact: number })[] = [];
  for (const range of ranges) {
    for (const offer of offers) {
      if (range.q === 0 || !matches(range, offer) || ranges.some((other) => overrules(other, range, offer))) continue;
      const { q, parameters } = range;
      const media = offer.part ?? offer.media;
      choices.push({
        name: offer.name,
        media,
        transferSyntax: transferSyntaxOf(range),
        parameters,
        q,
        exact: exactness(range),
      });
    }
  }
  // Array sorting is stable: equal ones stay in the order of the header.
  return choices.sort((a, b) => b.q - a.q || b.exact - a.exact).map(({ q: _q, exact: _exact, ...choice }) => choice);
}

/** Whether another range says more exactly, or refuses as exactly, what this one says of the offer. */
function overrules(other: MediaRange, range: MediaRange, offer: Offer): boolean {
  const more = exactness(other) - exactness(range);
  return (more > 0 || (more === 0 && other.q === 0)) && matches(other, offer) && sameSyntax(other, range);
}

/** Reads an Accept header; what is not a media range is left out, as if it had not been sent. */
export function parseAccept(header: string): MediaRange[] {
  return splitOutsideQuotes(header, ',').slice(0, rangesLimit).map(mediaRange).filter((range) => range !== undefined); // prettier-ignore
}

function mediaRange(text: string): MediaRange | undefined {
  // In a query string an unescaped plus sign arrives as a space.
  const range = mediaType(text.trim().replace(/^[^;]+/, (media) => media.trim().replaceAll(' ', '+')));
  if (!range || (range.media.startsWith('*/') && range.media !== '*/*')) return undefined;
  const q = qValue(range.parameters.get('q'));
  return q === undefined ? undefined : { ...range, q };
}

/** From 0 to 1, in more forms than RFC 9110 12.4.2 has: Java's own client says `q=.2` in every request. */
function qValue(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^([01]\.?|[01]?\.[0-9]{1,9})$/.test(text) && Number(text) <= 1 ? Number(text) : undefined;
}

function matches(range: MediaRange, offer: Offer): boolean {
  if (!covers(range.media, offer.media)) return false;
  for (const [name, values] of Object.entries(offer.only ?? {}))
    if (!values.test(range.parameters.get(name) ?? '')) return false;
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
  if (range.media === '*/*') return 0;
  if (range.media.endsWith('/*')) return 1;
  return 2 + (range.parameters.has('type') ? 1 : 0) + (range.parameters.has('transfer-syntax') ? 1 : 0);
}

/** What is said of one transfer syntax says nothing of others. */
function sameSyntax(other: MediaRange, range: MediaRange): boolean {
  const syntax = transferSyntaxOf(other);
  return syntax === undefined || syntax === transferSyntaxOf(range);
}
