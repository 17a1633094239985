/** References from one record to another, at any depth: what a merge of patients changes in the records about them. */
import type { Resource } from '@medplum/fhirtypes';

type Path = readonly (string | number)[];

/** Whether a reference names that record as it is now. One to a version of it names its past, and stays. */
const names = (reference: string, target: string, baseUrl: string): boolean =>
  reference === target || reference === `${baseUrl}/${target}`;

/**
 * The resource with every reference to `from` naming `to`; the very same object where there is none.
 *
 * @param from, to `Type/id`.
 * @param where only at these places (`pathsTo`).
 */
export function redirectReferences<T extends Resource>(
  resource: T,
  { from, to, baseUrl }: { from: string; to: string; baseUrl: string },
  where?: ReadonlySet<string>,
): T {
  const visit = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return mapped(value, (one, at) => visit(one, [...path, at]));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const visited = entries.map(([name, inner]): [string, unknown] => {
      const at = [...path, name];
      const isOne = name === 'reference' && typeof inner === 'string' && names(inner, from, baseUrl);
      return [name, isOne && (where === undefined || where.has(keyOf(at))) ? to : visit(inner, at)];
    });
    const changed = visited.some(([, inner], at) => inner !== entries[at]![1]);
    return changed ? Object.fromEntries(visited) : value;
  };
  return visit(resource, []) as T;
}

/** Where a resource refers to `target`. */
export function pathsTo(resource: Resource, target: string, baseUrl: string): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) value.forEach((one, at) => visit(one, [...path, at]));
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const at = [...path, name];
        if (name === 'reference' && typeof inner === 'string') {
          if (names(inner, target, baseUrl)) found.add(keyOf(at));
        } else visit(inner, at);
      }
    }
  };
  visit(resource, []);
  return found;
}

const keyOf = (path: Path): string => path.join('/');

/** The same array where nothing in it changed. */
function mapped<T>(values: T[], change: (value: T, at: number) => T): T[] {
  const changed = values.map(change);
  return changed.some((value, at) => value !== values[at]) ? changed : values;
}
