/** What of an image cannot be said in FHIR: it is left out and named, and never keeps an image from being stored. */
import { own } from '../table.ts';
import type { Resource } from '@medplum/fhirtypes';
import { items, text } from '../dicom/attribute-values.ts';
import type { DicomJson } from '../dicom/json.ts';
import { Problem } from '../problem.ts';
import { validationIssues } from '../validation/validate.ts';
import { write, type WriteOutcome, type WriteRequest } from '../records/write.ts';
import type { WriteContext } from '../world.ts';
import { fhirDate, fhirOffset, fhirTime } from './fhir-values.ts';

type Tree = Record<string, unknown> | unknown[];

/** Each round finds 50 faults at most. */
const mostRounds = 20;

/**
 * Writes a resource that follows from images. Elements that R4 does not allow are left out: what a modality wrote
 * wrong must not keep an image from its patient.
 *
 * @returns `leftOut`: FHIRPaths of elements, without values.
 * @throws Problem as `write`, also when the resource is none without what is wrong.
 */
export async function writeDerived(
  context: WriteContext,
  request: Exclude<WriteRequest, { method: 'delete' }>,
): Promise<WriteOutcome & { leftOut: string[] }> {
  try {
    return { ...(await write(context, request)), leftOut: [] };
  } catch (error) {
    if (!isFaultOfContent(error)) throw error;
    const { resource, leftOut } = withoutFaults(request.resource);
    if (leftOut.length === 0) throw error;
    return { ...(await write(context, { ...request, resource })), leftOut };
  }
}

const faults = new Set(['structure', 'required', 'value', 'invariant', 'code-invalid']);

function isFaultOfContent(error: unknown): boolean {
  return error instanceof Problem && faults.has(error.code) && error.expression !== undefined;
}

/** The resource without the elements that validation finds at fault. */
export function withoutFaults<T extends Resource>(resource: T): { resource: T; leftOut: string[] } {
  const copy = structuredClone(resource);
  const leftOut = new Set<string>();
  for (let round = 0; round < mostRounds; round++) {
    const issues = validationIssues(copy);
    if (issues.length === 0) break;
    // From the end, so that positions in lists stay true.
    const paths = [...new Set(issues.map(({ expression }) => expression))].reverse();
    const removed = paths.flatMap((path) => remove(copy as unknown as Tree, path.split('.').slice(1)) ?? []);
    if (removed.length === 0) break;
    for (const path of paths) leftOut.add(path.replace(/\[\d+\]/g, ''));
  }
  return { resource: copy, leftOut: [...leftOut] };
}

/** Takes out the element at a path, or, when it is missing or the last of its holder, what holds it. */
function remove(root: Tree, path: string[]): true | undefined {
  const steps = path.flatMap((part) => part.split(/[[\]]/).filter((step) => step !== ''));
  const way: { holder: Tree; key: string }[] = [];
  let at: unknown = root;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) break;
    way.push({ holder: at as Tree, key: keyIn(at as Tree, step) });
    at = own(at as Record<string, unknown>, way.at(-1)!.key);
  }
  for (const { holder, key } of way.reverse()) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (key === '') continue;
    else Reflect.deleteProperty(holder, key);
    if (Object.keys(holder).length > 0) return true;
  }
  return undefined;
}

/** `value` stands for `valueString` and its like in expressions. */
function keyIn(holder: Tree, step: string): string {
  if (Object.hasOwn(holder, step)) return step;
  return Object.keys(holder).find((name) => name.startsWith(step) && /^[A-Z]/.test(name.slice(step.length))) ?? '';
}

const dates = { '00080020': 'Study Date', '00080021': 'Series Date', '00100030': "Patient's Birth Date" };
const times = { '00080030': 'Study Time', '00080031': 'Series Time' };

/** Names of attributes that ImagingStudy or Patient would have taken, had they been what PS3.5 6.2 says. */
export function unmappable(attributes: DicomJson): string[] {
  const bad = (names: Record<string, string>, isGood: (value: string) => unknown) =>
    Object.entries(names).flatMap(([tag, name]) => {
      const value = text(attributes, tag);
      return value === undefined || isGood(value) ? [] : [name];
    });
  return [
    ...bad(dates, fhirDate),
    ...bad(times, fhirTime),
    ...bad({ '00080201': 'Timezone Offset From UTC' }, fhirOffset),
    ...(attributes['00081032']?.Value && items(attributes, '00081032').length === 0 ? ['Procedure Code Sequence'] : []),
  ];
}
