/** Which representation to answer with, and which bodies are read (FHIR http.html#mime-type, #parameters). */
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { mediaType, type MediaType } from '../http/answer/media-type.ts';
import { negotiate, type Choice, type Offer } from '../http/answer/negotiate.ts';

/** Media type of the answer, and whether it is for a person's eyes. */
export interface Representation {
  type: string;
  pretty: boolean;
}

const fhirJson = 'application/fhir+json';
const json = [fhirJson, 'application/json', 'text/json', 'application/json+fhir'];
const only = { fhirversion: /^(4\.0(\.\d+)?)?$/ };

/** The resource as JSON, under the name that the caller gave it. */
const offers: readonly Offer<'fhir' | 'plain'>[] = [
  { name: 'fhir', media: fhirJson, only },
  { name: 'plain', media: 'application/json', only },
  { name: 'plain', media: 'text/json', only },
  { name: 'fhir', media: 'application/json+fhir', only },
];

/**
 * `_format` wins over Accept. XML and Turtle are not offered, and the CapabilityStatement says so.
 * @throws Problem `not-acceptable`.
 */
export function representationOf(ctx: Context): Representation {
  const [best] = negotiate(ctx.get('Accept'), formatOf(ctx), offers);
  if (!best) throw new Problem('not-acceptable', 'This server answers in application/fhir+json (FHIR 4.0) only');
  return represented(ctx, best);
}

/**
 * What a Binary is answered with: its content, unless the resource is asked for (FHIR binary.html#rest).
 * @param type media type of the content, without parameters
 * @returns undefined for the content
 * @throws Problem `not-acceptable`.
 */
export function representationOfBinary(ctx: Context, type: string): Representation | undefined {
  // Content that is FHIR JSON itself is not what a caller means who asks for that.
  const media = json.includes(type) ? 'application/octet-stream' : type;
  const [best] = negotiate(ctx.get('Accept'), formatOf(ctx), [{ name: 'content' as const, media }, ...offers]);
  if (!best) throw new Problem('not-acceptable', `This Binary is ${type}, or application/fhir+json`);
  return best.name === 'content' ? undefined : represented(ctx, best as Choice<'fhir' | 'plain'>);
}

function represented(ctx: Context, { name, parameters }: Choice<'fhir' | 'plain'>): Representation {
  const version = parameters.get('fhirversion') === undefined ? '' : 'fhirVersion=4.0; ';
  const pretty = new URLSearchParams(ctx.querystring).get('_pretty') === 'true';
  return { type: `${name === 'plain' ? 'application/json' : fhirJson}; ${version}charset=utf-8`, pretty };
}

/** A media type, or the short name of one (FHIR http.html#parameters). */
function formatOf(ctx: Context): string | undefined {
  const format = new URLSearchParams(ctx.querystring).get('_format')?.trim() ?? '';
  if (format === '') return undefined;
  return format.toLowerCase() === 'json' ? fhirJson : format;
}

/** @throws Problem `media-type` unless the body is FHIR JSON of R4 in UTF-8. */
export function requireFhirJson(ctx: Context): void {
  const type = mediaType(ctx.get('Content-Type'));
  if (!type || !json.includes(type.media)) {
    throw new Problem('media-type', 'The body must be application/fhir+json (XML is not supported)');
  }
  requireParameters(type);
}

/** @throws Problem `media-type` for another charset or version of FHIR. */
export function requireParameters({ parameters }: MediaType): void {
  if (!/^utf-?8$/i.test(parameters.get('charset') ?? 'utf-8'))
    throw new Problem('media-type', 'The body must be in UTF-8');
  if (!only.fhirversion.test(parameters.get('fhirversion') ?? ''))
    throw new Problem('media-type', 'The body must be of FHIR version 4.0');
}
