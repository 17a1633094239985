/** FHIRPath Patch (FHIR fhirpatch.html): operations in a Parameters resource, applied to a copy. */
import type { Parameters as FhirParameters, Resource } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { own, put } from '../table.ts';
import { parsePatchPath, type PathStep } from './patch-path.ts';
import { isNode, isThere, placesAt, propertiesNamed, propertyOf, rootOf, setPlace, spend } from './patch-places.ts';
import { typeOf, valueAt, type Budget, type Node, type Place } from './patch-places.ts';
import { partsOf, targetOf, valueOf } from './patch-value.ts';
import { isPrimitive } from '../validation/validate-primitive.ts';

const maxOperations = 200;
const maxElements = 100_000;

/** What an operation works on. */
interface Work {
  root: Place;
  budget: Budget;
  /** Of the operation, for messages. */
  index: number;
}
type Operation = (work: Work, path: string, part: (name: string) => Node | undefined) => void;

/**
 * @throws Problem `structure` for what is no patch, or has a path that is none of `parsePatchPath`; `conflict` when
 *   a path does not find what it must; `too-costly`.
 */
export function applyFhirPathPatch(resource: Resource, parameters: FhirParameters): Resource {
  const operations: unknown = own(parameters as unknown as Node, 'parameter') ?? [];
  if (!Array.isArray(operations) || operations.length === 0 || !operations.every(isOperation)) {
    throw new Problem('structure', 'A FHIRPath Patch is a Parameters resource of operation parameters');
  }
  if (operations.length > maxOperations)
    throw new Problem('too-costly', `A patch may have ${maxOperations} operations at most`);
  const document = structuredClone(resource);
  const work = { root: rootOf(document as unknown as Node), budget: { left: maxElements } };
  for (const [index, operation] of operations.entries()) apply({ ...work, index }, operation);
  return document;
}

const isOperation = (one: unknown): one is Node => isNode(one) && own(one, 'name') === 'operation';

function apply(work: Work, operation: Node): void {
  const parts = partsOf(operation);
  const part = (name: string): Node | undefined => parts.find((one) => one.name === name);
  const [type, path] = [own(part('type'), 'valueCode'), own(part('path'), 'valueString')];
  const run = typeof type === 'string' ? own(kinds, type) : undefined;
  if (!run || typeof path !== 'string') throw malformed(work);
  run(work, path, part);
}

const kinds: Readonly<Record<string, Operation>> = {
  /** To the end of the list when the element repeats; else it must not be there yet. */
  add(work, path, part) {
    const name = own(part('name'), 'valueString');
    if (typeof name !== 'string') throw malformed(work);
    const { holder, type } = holderAt(work, parsePatchPath(path, work.root.type), name);
    const given = valueOf(part('value'), propertiesNamed(type, name)[0]?.[1].type ?? '');
    const target = targetOf(type, name, given.type);
    if (target.many) {
      const list = listOf(work, holder, target.written, target.type);
      list.pairs.push([given.value, given.beside]);
      return list.keep();
    }
    if (propertiesNamed(type, target.element).some(([written]) => isThere(holder, written))) throw misfit(work);
    setPlace(
      { holder, name: target.written, index: undefined, type: target.type, within: type },
      given.value,
      given.beside,
    );
  },

  insert(work, path, part) {
    const list = listAt(work, path);
    const at = position(work, part('index'), list.pairs.length);
    const given = valueOf(part('value'), list.type);
    list.pairs.splice(at, 0, [given.value, given.beside]);
    list.keep();
  },

  /** One element or none. */
  delete(work, path) {
    const [place, ...more] = find(work, path);
    if (more.length > 0 || place === work.root) throw misfit(work);
    if (!place) return;
    if (place.index === undefined) return setPlace(place, undefined, undefined);
    const list = listOf(work, place.holder, place.name, place.type);
    list.pairs.splice(place.index, 1);
    list.keep();
  },

  replace(work, path, part) {
    const [place, ...more] = find(work, path);
    if (!place || more.length > 0 || place === work.root) throw misfit(work);
    const given = valueOf(part('value'), place.type);
    setPlace(chosen(place, given.type), given.value, given.beside);
  },

  /** `destination` is where the item stands when it has moved. */
  move(work, path, part) {
    const list = listAt(work, path);
    const source = position(work, part('source'), list.pairs.length - 1);
    const destination = position(work, part('destination'), list.pairs.length - 1);
    list.pairs.splice(destination, 0, ...list.pairs.splice(source, 1));
    list.keep();
  },
};

function find(work: Work, path: string): Place[] {
  return placesAt(work.root, parsePatchPath(path, work.root.type), work.budget);
}

/** The one object that steps lead to, for its element `name`, with the type that says which elements it can have. */
function holderAt(work: Work, steps: readonly PathStep[], name: string): { holder: Node; type: string } {
  const [place, ...more] = placesAt(work.root, steps, work.budget);
  if (!place || more.length > 0) throw misfit(work);
  const holder = isPrimitive(place.type) ? besideOf(place, name) : valueAt(place);
  if (!isNode(holder)) throw misfit(work);
  return { holder, type: isPrimitive(place.type) ? 'Element' : typeOf(place) };
}

/** What holds the id and the extensions of a primitive; made when there are none yet. */
function besideOf(place: Place, name: string): unknown {
  if (name !== 'id' && name !== 'extension') return undefined;
  const beside = { ...place, name: `_${place.name}` };
  if (valueAt(beside) === undefined) setPlace(place, valueAt(place), {});
  return valueAt(beside);
}

function listAt(work: Work, path: string): List {
  const steps = parsePatchPath(path, work.root.type);
  const last = steps.at(-1);
  if (last?.step !== 'member') throw new Problem('structure', `The path of operation ${work.index} must end in a name`);
  const { holder, type } = holderAt(work, steps.slice(0, -1), last.name);
  const target = targetOf(type, last.name, '');
  if (!target.many) throw misfit(work);
  return listOf(work, holder, target.written, target.type);
}

/** A list, and what stands beside the items of one of primitives: they change together, and go with the last item. */
interface List {
  pairs: [value: unknown, beside: unknown][];
  type: string;
  /** Writes the pairs back. */
  keep: () => void;
}

function listOf(work: Work, holder: Node, name: string, type: string): List {
  const names = [name, `_${name}`];
  const [values = [], besides = []] = names
    .map((one) => own(holder, one))
    .map((list) => (Array.isArray(list) ? list : []));
  const length = Math.max(values.length, besides.length);
  spend(work.budget, length);
  const pairs = Array.from({ length }, (_, i): List['pairs'][number] => [values[i], besides[i]]);
  const keep = (): void => {
    for (const [column, written] of names.entries()) {
      const items = pairs.map((pair) => pair[column] ?? null);
      if (items.some((item) => item !== null)) put(holder, written, items);
      else Reflect.deleteProperty(holder, written);
    }
  };
  return { pairs, type, keep };
}

/** A choice gets the name of the new value's type: a quantity in the place of a text is no `valueString`. */
function chosen(place: Place, given: string): Place {
  const property = propertyOf(place.within, place.name);
  if (!property?.choice || given === '') return place;
  const target = targetOf(place.within, property.element, given);
  if (target.written !== place.name) setPlace(place, undefined, undefined);
  return { ...place, name: target.written, type: target.type };
}

function position(work: Work, part: Node | undefined, last: number): number {
  const given = own(part, 'valueInteger');
  if (typeof given !== 'number' || !Number.isInteger(given)) throw malformed(work);
  if (given < 0 || given > last) throw misfit(work);
  return given;
}

const malformed = ({ index }: Work): Problem =>
  new Problem('structure', `Operation ${index} is not one of FHIRPath Patch`);
const misfit = ({ index }: Work): Problem => new Problem('conflict', `Operation ${index} does not fit the resource`);
