/** Version tags (FHIR http.html#versioning): `W/"3"` is version 3 of a record. */
import { Problem } from '../problem.ts';

export const entityTag = (version: number): string => `W/"${version}"`;

/**
 * The version that If-Match names; undefined without one and for `*`.
 * @throws Problem `value` when it is not an entity tag.
 */
export function ifMatchVersion(written: string | undefined): number | undefined {
  const tag = written?.trim() ?? '';
  if (tag === '' || tag === '*') return undefined;
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(tag)?.[1];
  if (version !== undefined) return Number(version);
  if (/^(?:W\/)?"[^"]*"$/.test(tag)) return -1; // never given out by this server: matches nothing
  throw new Problem('value', 'If-Match must be an entity tag such as W/"3"');
}
