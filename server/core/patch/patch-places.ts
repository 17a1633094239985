/** Where the path of a FHIRPath Patch leads in a resource: by the structure of its type, over own properties only. */
import { Problem } from '../problem.ts';
import { own, put } from '../table.ts';
import type { Comparison, PathStep } from './patch-path.ts';
import { structureOf, type Property } from '../r4/structure.ts';
import { isPrimitive } from '../validation/validate-primitive.ts';

export type Node = Record<string, unknown>;

/** One element: `holder` has it under `name`, in a list at `index`. The resource itself has no holder. */
export interface Place {
  holder: Node;
  name: string;
  index: number | undefined;
  type: string;
  /** The type of the holder, which says what the element is there. */
  within: string;
}

/** Elements that one patch may look at: its paths are cheap, two hundred of them over a large resource are not. */
export interface Budget {
  left: number;
}

/** The resource as the place that every path begins at. */
export function rootOf(document: Node): Place {
  return {
    holder: { document },
    name: 'document',
    index: undefined,
    type: String(own(document, 'resourceType')),
    within: '',
  };
}

/** @throws Problem `structure` for a step to an element that the type does not have, `too-costly`. */
export function placesAt(from: Place, steps: readonly PathStep[], budget: Budget): Place[] {
  return steps.reduce((places, step) => take(places, step, budget), [from]);
}

/** The value, or undefined where there are only extensions of one. */
export function valueAt({ holder, name, index }: Place): unknown {
  const value = own(holder, name);
  if (index === undefined) return value ?? undefined;
  return Array.isArray(value) ? ((value[index] as unknown) ?? undefined) : undefined;
}

/** The properties of JSON that an element's name stands for: `value` for `valueString` and all the others. */
export function propertiesNamed(type: string, name: string): [written: string, property: Property][] {
  const properties = structureOf(type)?.properties;
  const exact = properties?.get(name);
  if (exact) return [[name, exact]];
  return [...(properties ?? [])].filter(([, property]) => property.choice && property.element === name);
}

export function propertyOf(type: string, written: string): Property | undefined {
  return structureOf(type)?.properties.get(written);
}

/** The type whose elements a place has: for a resource inside of another the one that it says itself. */
export function typeOf(place: Place): string {
  const value = place.type === 'Resource' ? valueAt(place) : undefined;
  return isNode(value) ? String(own(value, 'resourceType')) : place.type;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function take(places: Place[], step: PathStep, budget: Budget): Place[] {
  spend(budget, 1 + places.length);
  switch (step.step) {
    case 'member':
      return places.flatMap((place) => members(place, step.name, budget));
    case 'index':
      return places.slice(step.at, step.at + 1);
    case 'first':
      return places.slice(0, 1);
    case 'last':
      return places.slice(-1);
    case 'single':
      if (places.length > 1)
        throw new Problem('conflict', 'A path of the patch with single() leads to several elements');
      return places;
    case 'of-type':
      return places.filter(({ type }) => type === step.type || typeOfValue(type) === step.type);
    case 'where':
      return places.filter((place) => step.all.every((comparison) => holds(place, comparison, budget)));
  }
}

function members(place: Place, name: string, budget: Budget): Place[] {
  const primitive = elementOfPrimitive(place, name);
  if (primitive) return primitive.flatMap((one) => listed(one, budget));
  const holder = valueAt(place);
  if (!isNode(holder)) return [];
  const type = typeOf(place);
  const named = propertiesNamed(type, name);
  if (named.length === 0)
    throw new Problem('structure', `A path of the patch names an element that ${type} does not have`);
  return named.flatMap(([written, { type: inner }]) =>
    listed({ holder, name: written, index: undefined, type: inner, within: type }, budget),
  );
}

/** `id` and `extension` of a primitive lie beside it, in the property with an underscore (FHIR json.html#primitive). */
function elementOfPrimitive(place: Place, member: string): Place[] | undefined {
  if ((member !== 'extension' && member !== 'id') || !isPrimitive(place.type)) return undefined;
  const holder = valueAt({ ...place, name: `_${place.name}` });
  if (!isNode(holder)) return [];
  const type = member === 'id' ? 'string' : 'Extension';
  return [{ holder, name: member, index: undefined, type, within: 'Element' }];
}

/** A place for each item when it is a list, none when nothing is there. */
function listed(place: Place, budget: Budget): Place[] {
  const [value, beside] = [own(place.holder, place.name), own(place.holder, `_${place.name}`)];
  if (!Array.isArray(value) && !Array.isArray(beside)) return isThere(place.holder, place.name) ? [place] : [];
  const length = Math.max(lengthOf(value), lengthOf(beside));
  spend(budget, length);
  return Array.from({ length }, (_, index) => ({ ...place, index }));
}

/** FHIRPath's `=`: one element on the left, of the same value. */
function holds(place: Place, { path, equals }: Comparison, budget: Budget): boolean {
  const [first, ...more] = path;
  if (first?.step === 'member' && more.length === 0) {
    // The usual comparison, without a list of places for each item that it is made of.
    const holder = valueAt(place);
    const property = isNode(holder) ? propertyOf(typeOf(place), first.name) : undefined;
    if (property && !property.many) {
      spend(budget, 1);
      return own(holder as Node, first.name) === equals;
    }
  }
  const found = placesAt(place, path, budget);
  return found.length === 1 && valueAt(found[0]!) === equals;
}

/** @throws Problem `too-costly` when nothing is left. */
export function spend(budget: Budget, elements: number): void {
  budget.left -= elements;
  if (budget.left < 0) throw new Problem('too-costly', 'The paths of the patch go over too many elements');
}

/** Sets the whole element: its value, and the id and extensions of a primitive. */
export function setPlace(place: Place, value: unknown, beside: unknown): void {
  setOne(place, value, place.name);
  if (beside !== undefined || own(place.holder, `_${place.name}`) !== undefined)
    setOne(place, beside, `_${place.name}`);
}

function setOne({ holder, index }: Place, value: unknown, name: string): void {
  if (index === undefined) {
    if (value === undefined) Reflect.deleteProperty(holder, name);
    else put(holder, name, value);
    return;
  }
  const list = own(holder, name);
  const items: unknown[] = Array.isArray(list) ? (list as unknown[]) : [];
  while (items.length < index) items.push(null);
  items[index] = value ?? null;
  put(holder, name, items);
}

/** Whether the holder has the element, or extensions in its place. */
export function isThere(holder: Node, name: string): boolean {
  return (own(holder, name) ?? own(holder, `_${name}`) ?? undefined) !== undefined;
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
const typeOfValue = (type: string): string => (/^(Simple|Money)Quantity$/.test(type) ? 'Quantity' : type);
