/** patch (FHIR http.html#patch): PATCH [base]/[type]/[id], or [base]/[type]?[criteria]; guarded by If-Match. */
import type { Parameters as FhirParameters, ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { parseLongJson } from '../core/r4/parse-json.ts';
import type { Patch } from '../core/patch/patch.ts';
import { readText, requireType } from '../http/request/body-text.ts';
import { readResource } from './body.ts';
import { apply, matchIn, targetOf } from './change.ts';
import type { Answer, Exchange } from './exchange.ts';
import { requireParameters } from './negotiation.ts';

const jsonPatch = 'application/json-patch+json';
const fhirPath = 'application/fhir+json';
/** For the Accept-Patch header (RFC 5789 3.1). */
export const patchTypes = `${jsonPatch}, ${fhirPath}`;

/** @param id undefined for the conditional patch, whose criteria are the query */
export async function patch(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
): Promise<Answer> {
  const [target, match] = [targetOf(ctx, id), matchIn(ctx)];
  return apply(exchange, { kind: 'patch', type, target, patch: await readPatch(ctx, exchange.bodyLimit), ...match });
}

/** @throws Problem `media-type` for what is neither JSON Patch nor FHIRPath Patch. */
async function readPatch(ctx: Context, limit: number): Promise<Patch> {
  const type = requireType(ctx, [jsonPatch, fhirPath], `A patch is ${jsonPatch}, or ${fhirPath} with Parameters`);
  if (type.media === jsonPatch) {
    requireParameters(type);
    return { kind: 'json', operations: await parseLongJson(await readText(ctx, limit)) };
  }
  const resource = await readResource(ctx, limit);
  if (resource['resourceType'] !== 'Parameters')
    throw new Problem('structure', 'A FHIRPath Patch is a Parameters resource');
  return { kind: 'fhirpath', parameters: resource as unknown as FhirParameters };
}
