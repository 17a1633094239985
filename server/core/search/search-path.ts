/**
 * The small part of FHIRPath that SearchParameter expressions are written in, compiled to closures: member access,
 * choice types, `ofType()`, `as`, `where(name = 'text')`, `where(resolve() is Type)`, `[n]`, unions, and the one
 * `exists() and ... != false` of Patient.deceased. A full FHIRPath engine costs milliseconds a record on the write
 * path, this microseconds; test/core/search/search-path.test.ts holds it against fhirpath.js.
 */
import { own } from '../table.ts';

/** A value in a resource, with its FHIR type where a choice element's name told it (`valueQuantity` -> `Quantity`). */
export interface Node {
  value: unknown;
  type: string | undefined;
}

/** Finds the nodes of a compiled expression below `root`. */
export type Select = (root: unknown) => Node[];

type Step = (nodes: Node[]) => Node[];

/** @throws Error when the expression uses anything outside the subset: a broken table must not pass unnoticed. */
export function compilePath(expression: string): Select {
  const terms = splitTopLevel(expression, '|').map(compileTerm);
  if (terms.length === 1) return terms[0]!;
  return (root) => terms.flatMap((term) => term(root));
}

function compileTerm(term: string): Select {
  const deceased = /^(\w+)\.exists\(\) and (?:\w+\.)?(\w+) != false$/.exec(term);
  if (deceased) {
    const at = member(deceased[1]!);
    return (root) => [{ value: at([node(root)]).some(({ value }) => value !== false), type: 'boolean' }];
  }
  const steps = term === '' ? [] : splitTopLevel(term, '.').map(compileStep);
  return (root) => steps.reduce((nodes, step) => (nodes.length === 0 ? nodes : step(nodes)), [node(root)]);
}

function compileStep(step: string): Step {
  if (/^[a-zA-Z]\w*$/.test(step)) return member(step);
  const cast = /^(?:ofType\((\w+)\)|\(?(\w+) as (\w+)\)?)$/.exec(step);
  if (cast?.[1]) return ofType(cast[1]);
  if (cast) {
    const [at, keep] = [member(cast[2]!), ofType(cast[3]!)];
    return (nodes) => keep(at(nodes));
  }
  const indexed = /^(\w+)\[(\d+)\]$/.exec(step);
  if (indexed) {
    const at = member(indexed[1]!);
    return (nodes) => at(nodes).slice(Number(indexed[2]), Number(indexed[2]) + 1);
  }
  const resolved = /^where\(resolve\(\) is (\w+)\)$/.exec(step);
  if (resolved) return (nodes) => nodes.filter(({ value }) => referencedType(value) === resolved[1]);
  const equals = /^where\((\w+)\s*=\s*'([^']*)'\)$/.exec(step);
  if (equals) return (nodes) => nodes.filter(({ value }) => isObject(value) && own(value, equals[1]!) === equals[2]);
  throw new Error(`search path step not supported: ${step}`);
}

function member(name: string): Step {
  return (nodes) => {
    const found: Node[] = [];
    for (const { value } of nodes) {
      if (!isObject(value)) continue;
      if (Object.hasOwn(value, name)) push(found, own(value, name), undefined);
      else pushChoice(found, value, name);
    }
    return found;
  };
}

function pushChoice(found: Node[], value: Record<string, unknown>, name: string): void {
  for (const key of Object.keys(value)) {
    const initial = key.charCodeAt(name.length);
    if (initial < 65 || initial > 90 || !key.startsWith(name)) continue; // next letter is upper case: value + Quantity
    const type = key.slice(name.length);
    if (choiceTypes.has(type)) push(found, own(value, key), type);
  }
}

function push(found: Node[], value: unknown, type: string | undefined): void {
  if (Array.isArray(value)) for (const item of value) push(found, item, type);
  else if (value !== undefined && value !== null) found.push({ value, type });
}

/** Choice suffixes are capitalised (`DateTime`), expressions name the type as FHIR does (`dateTime`). */
function ofType(name: string): Step {
  const suffix = name[0]!.toUpperCase() + name.slice(1);
  return (nodes) => nodes.filter(({ type }) => type === suffix);
}

/** The resource type that a Reference points at, as far as it tells without looking it up. */
export function referencedType(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value['reference'] === 'string') {
    const type = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(
      value['reference'],
    )?.[1];
    if (type) return type;
  }
  return typeof value['type'] === 'string' ? value['type'] : undefined;
}

function node(value: unknown): Node {
  return { value, type: undefined };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Splits outside parentheses and quotes, and takes redundant outer parentheses off each part. */
function splitTopLevel(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === "'") quoted = !quoted;
    else if (!quoted && char === '(') depth++;
    else if (!quoted && char === ')') depth--;
    if (i === text.length || (char === separator && depth === 0 && !quoted)) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts;
}

const choiceTypes = new Set(
  `Base64Binary Boolean Canonical Code Date DateTime Decimal Id Instant Integer Markdown Oid PositiveInt String Time
  UnsignedInt Uri Url Uuid Address Age Annotation Attachment CodeableConcept Coding ContactPoint Count Distance Duration
  HumanName Identifier Money Period Quantity Range Ratio Reference SampledData Signature Timing ContactDetail Contributor
  DataRequirement Expression ParameterDefinition RelatedArtifact TriggerDefinition UsageContext Dosage Meta`.split(
    /\s+/,
  ),
);
