/** Reads request bodies as FHIR: UTF-8, JSON, one resource; and searches as forms. */
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { parseLongJson } from '../core/r4/parse-json.ts';
import { parseQueryString } from '../core/search/query-string.ts';
import { formType, readText, requireType } from '../http/request/body-text.ts';
import { queryOf } from './exchange.ts';
import { requireFhirJson } from './negotiation.ts';

/** Bytes of a search in a form. */
const longestForm = 262_144;

/**
 * The JSON object in the body.
 * @param limit bytes, counted without the content coding
 * @throws Problem `media-type`, `too-long`, `structure`.
 */
export async function readResource(ctx: Context, limit: number): Promise<Record<string, unknown>> {
  requireFhirJson(ctx);
  const value = await parseLongJson(await readText(ctx, limit));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('structure', 'The body must be one JSON object');
  }
  return value as Record<string, unknown>;
}

/** The URL's parameters and those of the form: both count (FHIR search.html#Introduction). */
export async function readSearch(ctx: Context, limit: number): Promise<[string, string][]> {
  const text = await readText(ctx, Math.min(limit, longestForm));
  if (text === '') return queryOf(ctx);
  requireType(ctx, [formType], `The search must be ${formType}`);
  return [...queryOf(ctx), ...parseQueryString(text)];
}
