/**
 * R4 validation of a resource against the published definitions (FHIR validation.html): structure,
 * cardinality, types, lexical forms, required bindings, reference targets, narrative, contained
 * resources, invariants. Profiles are not part of it.
 */
import { Problem } from '../problem.ts';
import { resourceTypes, structureOf, type Property, type TypeStructure } from '../r4/structure.ts';
import { checkBundle } from './validate-bundle.ts';
import { brokenInvariants } from './validate-datatype.ts';
import { invariantHolds } from './validate-invariants.ts';
import { isNode, report, type Node, type ValidationIssue, type Walk } from './validate-issue.ts';
import { holdsByHand } from './validate-many.ts';
import { narrativeFault } from './validate-narrative.ts';
import { isPrimitive, primitiveFault } from './validate-primitive.ts';
import { checkContained, checkReference } from './validate-reference.ts';
import { own } from '../table.ts';

export type { ValidationIssue } from './validate-issue.ts';

/** Enough for a person to work with; a resource of garbage must not be answered by megabytes. */
const maxIssues = 50;

/**
 * Rules by FHIRPath that one resource may ask for; each takes some 20 microseconds. A Bundle of five thousand
 * Observations or a Questionnaire of ten thousand items stays below.
 */
const maxRules = 150_000;

/**
 * Everything that is wrong with a resource, in document order; at most 50 faults.
 *
 * @throws Problem `too-long` when it has so many parts that checking them all would take seconds.
 */
export function validationIssues(resource: unknown): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  walkResource(resource, '', { issues, budget: { rules: maxRules } }, undefined);
  return issues.slice(0, maxIssues);
}

function walkResource(
  resource: unknown,
  path: string,
  { issues, budget }: Pick<Walk, 'issues' | 'budget'>,
  container: Walk | undefined,
): void {
  if (!isNode(resource)) return report(issues, 'structure', 'must be a JSON object', path || 'Resource');
  const type = resource['resourceType'];
  if (typeof type !== 'string' || !resourceTypes.has(type)) {
    return report(issues, 'structure', 'resourceType must name an R4 resource type', path || 'Resource');
  }
  const structure = structureOf(type)!;
  const here = path || type;
  const walk: Walk = {
    root: resource,
    issues,
    budget,
    localReferences: container ? container.localReferences : [],
    contained: container ? container.contained : containedById(resource),
    isContained: container !== undefined,
  };
  walkNode(resource, structure, here, walk);
  if (type === 'Bundle') checkBundle(resource, here, issues);
  if (!container) checkContained(walk, here);
}

function containedById(resource: Node): Map<string, Node> {
  const list = Array.isArray(resource['contained']) ? resource['contained'] : [];
  return new Map(list.filter(isNode).map((one) => [String(one['id']), one]));
}

function walkNode(node: Node, structure: TypeStructure, path: string, walk: Walk): void {
  const { issues } = walk;
  if (issues.length >= maxIssues) return;
  const before = issues.length;
  let names = 0;
  let choices: Map<string, string> | undefined;
  for (const name in node) {
    if (!Object.hasOwn(node, name)) continue;
    if (name === 'resourceType' && walk.root === node) continue;
    names++;
    const plain = name.charCodeAt(0) === 95 ? name.slice(1) : name;
    const property = structure.properties.get(plain);
    if (!property || (plain !== name && !isPrimitive(property.type))) {
      report(issues, 'structure', `has the unknown property ${safeName(name)}`, path);
      continue;
    }
    if (property.choice) {
      choices ??= new Map();
      const other = choices.get(property.element);
      if (other !== undefined && other !== plain) {
        report(issues, 'structure', `may have one ${property.element}[x] only`, `${path}.${property.element}`);
      }
      choices.set(property.element, plain);
    }
    const here = `${path}.${property.element}`;
    if (plain === name) walkProperty(own(node, name), own(node, `_${name}`), property, here, walk);
    else walkPrimitiveElements(own(node, name), own(node, plain), property, here, walk);
  }
  // A resource with nothing but its type is legal JSON for FHIR; an element is not.
  if (names === 0 && walk.root !== node) report(issues, 'structure', 'must not be an empty object', path);
  for (const { element, names: written } of structure.mandatory) {
    if (!written.some((name) => own(node, name) !== undefined || own(node, `_${name}`) !== undefined)) {
      report(issues, 'required', 'is required', `${path}.${element}`);
    }
  }
  for (const broken of brokenInvariants(structure.name, node))
    report(issues, 'invariant', `${broken.key}: ${broken.human}`, path);
  if (issues.length > before) return; // rules assume a sound structure
  walk.budget.rules -= structure.rules.length;
  if (walk.budget.rules < 0)
    throw new Problem('too-long', 'The resource has too many parts to be checked; send it in smaller ones.');
  for (const [key, expression, human] of structure.rules) {
    if (!(holdsByHand(key, node, walk.root) ?? invariantHolds(structure.name, expression, node, walk.root)))
      report(issues, 'invariant', `${key}: ${human}`, path);
  }
}

function walkProperty(value: unknown, companion: unknown, property: Property, path: string, walk: Walk): void {
  if (!property.many) {
    if (Array.isArray(value)) return report(walk.issues, 'structure', 'must not be an array', path);
    return walkValue(value, property, path, walk);
  }
  if (!Array.isArray(value)) return report(walk.issues, 'structure', 'must be an array', path);
  if (value.length === 0) return report(walk.issues, 'structure', 'must not be an empty array', path);
  for (let i = 0; i < value.length && walk.issues.length < maxIssues; i++) {
    const filled = Array.isArray(companion) && companion[i] !== null && companion[i] !== undefined;
    if (value[i] === null && filled && isPrimitive(property.type)) continue;
    walkValue(value[i], property, `${path}[${i}]`, walk);
  }
}

function walkValue(value: unknown, property: Property, path: string, walk: Walk): void {
  const { issues } = walk;
  if (value === null) return report(issues, 'structure', 'must not be null', path);
  if (isPrimitive(property.type)) return walkPrimitive(value, property, path, walk);
  if (!isNode(value)) return report(issues, 'structure', 'must be a JSON object', path);
  if (property.type === 'Resource') {
    const inside = property.element === 'contained' ? walk : undefined;
    if (inside?.isContained)
      return report(issues, 'invariant', 'dom-2: a contained resource must not contain resources', path);
    return walkResource(value, path, walk, inside);
  }
  if (resourceTypes.has(property.type)) return walkResource(value, path, walk, undefined);
  const written = property.type === 'SimpleQuantity' || property.type === 'MoneyQuantity' ? 'Quantity' : property.type;
  const structure = structureOf(written);
  if (!structure) return report(issues, 'structure', `has the type ${written}, which R4 does not define`, path);
  walkNode(value, structure, path, walk);
  if (written !== property.type) {
    for (const broken of brokenInvariants(property.type, value)) {
      if (broken.key === 'sqty-1') report(issues, 'invariant', `${broken.key}: ${broken.human}`, path);
    }
  }
  if (property.valueSet) checkCoded(value, property, path, walk);
  if (property.type === 'Reference') checkReference(value, property.targets, path, walk);
}

function walkPrimitive(value: unknown, property: Property, path: string, walk: Walk): void {
  const fault = primitiveFault(property.type, value);
  if (fault) return report(walk.issues, 'value', fault, path);
  if (property.type === 'xhtml') {
    const unsafe = narrativeFault(value as string);
    if (unsafe) report(walk.issues, 'invariant', `the narrative ${unsafe}`, path);
  } else if (property.valueSet && property.type === 'code' && !property.valueSet.codes.has(value as string)) {
    report(walk.issues, 'code-invalid', `must be one of ${sample(property.valueSet.codes)}`, path);
  } else if (
    (property.type === 'uri' || property.type === 'canonical' || property.type === 'url') &&
    (value as string)[0] === '#'
  ) {
    walk.localReferences.push({ id: (value as string).slice(1), expression: '' });
  }
}

/** `_birthDate` and the like: ids and extensions of primitives (FHIR json.html#primitive). */
function walkPrimitiveElements(value: unknown, plain: unknown, property: Property, path: string, walk: Walk): void {
  const element = structureOf('Element')!;
  if (!property.many) {
    if (!isNode(value)) return report(walk.issues, 'structure', 'must be a JSON object', path);
    return walkNode(value, element, path, walk);
  }
  if (!Array.isArray(value) || value.length === 0)
    return report(walk.issues, 'structure', 'must be a filled array', path);
  if (Array.isArray(plain) && plain.length !== value.length) {
    return report(walk.issues, 'structure', 'must be as long as the array of its values', path);
  }
  for (let i = 0; i < value.length; i++) {
    if (value[i] === null) {
      if (!Array.isArray(plain)) report(walk.issues, 'structure', 'must not be null', `${path}[${i}]`);
    } else if (isNode(value[i])) walkNode(value[i] as Node, element, `${path}[${i}]`, walk);
    else report(walk.issues, 'structure', 'must be a JSON object', `${path}[${i}]`);
  }
}

/** Required bindings of Coding, CodeableConcept and Quantity: one coding at least must be of the value set. */
function checkCoded(value: Node, property: Property, path: string, walk: Walk): void {
  const codings = property.type === 'CodeableConcept' ? value['coding'] : [value];
  if (!Array.isArray(codings) || codings.length === 0) return;
  const known = codings.some((one) => {
    if (!isNode(one) || typeof one['code'] !== 'string') return one !== null && property.type === 'CodeableConcept';
    const system = one['system'];
    return typeof system === 'string'
      ? property.valueSet!.bySystem.get(system)?.has(one['code'])
      : property.valueSet!.codes.has(one['code']);
  });
  const coded = codings.some((one) => isNode(one) && one['code'] !== undefined);
  if (coded && !known)
    report(walk.issues, 'code-invalid', `must hold one of ${sample(property.valueSet!.codes)}`, path);
}

const sample = (codes: ReadonlySet<string>): string =>
  codes.size > 24 ? 'the codes of its value set' : [...codes].join(', ');

/** Property names come from the caller; only names that look like FHIR's are repeated. */
const safeName = (name: string): string => (/^_?[A-Za-z]\w{0,63}$/.test(name) ? name : 'with an odd name');
