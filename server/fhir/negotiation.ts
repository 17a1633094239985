/** Which representation to answer with, and which bodies are read (FHIR http.html#mime-type, #parameters). */
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';

/** Media type of the answer, and whether it is for a person's eyes. */
export interface Representation {
  type: string;
  pretty: boolean;
}

const json = ['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir'];
const formats = new Set(['json', ...json]);

/**
 * `_format` wins over Accept. XML and Turtle are not offered, and the CapabilityStatement says so.
 * @throws Problem `not-acceptable`.
 */
export function negotiate(ctx: Context): Representation {
  const query = new URLSearchParams(ctx.querystring);
  const pretty = query.get('_pretty') === 'true';
  const asked = query.get('_format');
  if (asked !== null && asked !== '') {
    // An unescaped plus sign arrives as a space.
    const format = asked.replaceAll(' ', '+').split(';')[0]!.trim().toLowerCase();
    if (!formats.has(format)) throw notAcceptable();
    return {
      type: contentType(format === 'application/json' || format === 'text/json' ? 'application/json' : json[0]!),
      pretty,
    };
  }
  const accepted = ctx.get('Accept');
  if (accepted === '') return { type: contentType(json[0]!), pretty };
  const best = mediaRanges(accepted)
    .filter((range) => range.quality > 0 && isOffered(range))
    .sort((a, b) => b.quality - a.quality)[0];
  if (!best) throw notAcceptable();
  const plain = best.type === 'application/json' || best.type === 'text/json';
  return { type: contentType(plain ? 'application/json' : json[0]!, best.parameters.get('fhirversion')), pretty };
}

/** @throws Problem `media-type` unless the body is FHIR JSON of R4 in UTF-8. */
export function requireFhirJson(ctx: Context): void {
  const [range] = mediaRanges(ctx.get('Content-Type'));
  if (!range || !json.includes(range.type)) {
    throw new Problem('media-type', 'The body must be application/fhir+json (XML is not supported)');
  }
  requireParameters(range);
}

export function requireParameters(range: MediaRange): void {
  const charset = range.parameters.get('charset');
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw new Problem('media-type', 'The body must be in UTF-8');
  if (!isR4(range)) throw new Problem('media-type', 'The body must be of FHIR version 4.0');
}

export interface MediaRange {
  type: string;
  quality: number;
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>;
}

/** An Accept or Content-Type header in parts (RFC 9110 12.5.1). */
export function mediaRanges(header: string): MediaRange[] {
  return header.split(',').flatMap((part) => {
    const [type = '', ...written] = part.split(';').map((piece) => piece.trim());
    if (type === '') return [];
    const parameters = new Map(
      written.map((one) => {
        const [name = '', value = ''] = one.split('=');
        return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
      }),
    );
    const quality = Number(parameters.get('q') ?? '1');
    return [{ type: type.toLowerCase(), quality: Number.isNaN(quality) ? 0 : quality, parameters }];
  });
}

const isOffered = (range: MediaRange): boolean =>
  (range.type === '*/*' || range.type === 'application/*' || json.includes(range.type)) && isR4(range);

const isR4 = (range: MediaRange): boolean => /^4\.0(\.\d+)?$/.test(range.parameters.get('fhirversion') ?? '4.0');

const contentType = (type: string, fhirVersion?: string): string =>
  `${type}; ${fhirVersion === undefined ? '' : 'fhirVersion=4.0; '}charset=utf-8`;

const notAcceptable = (): Problem =>
  new Problem('not-acceptable', 'This server answers in application/fhir+json (FHIR 4.0) only');
