/**
 * Invariants of the general datatypes, by hand: they apply at every element of their type, so FHIRPath would
 * make them the dearest part of a write. Keys are those of FHIR datatypes.html.
 */
import { own } from '../table.ts';
import { trimEnd } from '../trim-end.ts';

type Node = Record<string, unknown>;
export interface Broken {
  key: string;
  human: string;
}

/** @returns the invariants of `type` that `node` breaks. */
export function brokenInvariants(type: string, node: Node): readonly Broken[] {
  const rules = own(rulesOf, type);
  if (!rules) return none;
  const broken = rules.filter((rule) => !rule.holds(node));
  return broken.length > 0 ? broken : none;
}

const none: readonly Broken[] = [];
const has = (node: Node, name: string): boolean => own(node, name) !== undefined || own(node, `_${name}`) !== undefined;
const needs = (name: string, other: string) => (node: Node) => !has(node, name) || has(node, other);

const quantity = [
  { key: 'qty-3', human: 'A code for the unit needs the system of the unit', holds: needs('code', 'system') },
];
const simpleQuantity = [
  ...quantity,
  {
    key: 'sqty-1',
    human: 'The comparator is not used on a SimpleQuantity',
    holds: (node: Node) => !has(node, 'comparator'),
  },
];

const rulesOf: Record<string, { key: string; human: string; holds: (node: Node) => boolean }[]> = {
  Extension: [
    {
      key: 'ext-1',
      human: 'Must have either extensions or value[x], not both',
      holds: (node) =>
        (node['extension'] !== undefined) !==
        Object.keys(node).some((name) => name.startsWith('value') || name.startsWith('_value')),
    },
  ],
  Quantity: quantity,
  Age: quantity,
  Count: quantity,
  Distance: quantity,
  Duration: quantity,
  SimpleQuantity: simpleQuantity,
  MoneyQuantity: quantity,
  Attachment: [
    { key: 'att-1', human: 'Data needs a contentType', holds: needs('data', 'contentType') },
    { key: 'size', human: 'The size is not that of the data', holds: (node) => sizeFits(node['data'], node['size']) },
  ],
  Identifier: [
    {
      key: 'urn',
      human: 'The system urn:ietf:rfc:3986 needs a full URI as value',
      holds: ({ system, value }) =>
        system !== 'urn:ietf:rfc:3986' || typeof value !== 'string' || /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(value),
    },
  ],
  ContactPoint: [{ key: 'cpt-2', human: 'A value needs a system', holds: needs('value', 'system') }],
  Period: [
    { key: 'per-1', human: 'start must be no later than end', holds: (node) => inOrder(node['start'], node['end']) },
  ],
  Range: [
    {
      key: 'rng-2',
      human: 'low must be no higher than high',
      holds: (node) => {
        const [low, high] = [node['low'] as Node | undefined, node['high'] as Node | undefined];
        const comparable =
          typeof low?.['value'] === 'number' && typeof high?.['value'] === 'number' && low['code'] === high['code'];
        return !comparable || (low['value'] as number) <= (high['value'] as number);
      },
    },
  ],
  Ratio: [
    {
      key: 'rat-1',
      human: 'Numerator and denominator are both there or both absent; if absent, an extension is',
      holds: (node) =>
        has(node, 'numerator') === has(node, 'denominator') &&
        (has(node, 'numerator') || node['extension'] !== undefined),
    },
  ],
  'Timing.repeat': [
    { key: 'tim-1', human: 'A duration needs durationUnit', holds: needs('duration', 'durationUnit') },
    { key: 'tim-2', human: 'A period needs periodUnit', holds: needs('period', 'periodUnit') },
    { key: 'tim-4', human: 'duration must not be negative', holds: (node) => !((node['duration'] as number) < 0) },
    { key: 'tim-5', human: 'period must not be negative', holds: (node) => !((node['period'] as number) < 0) },
    { key: 'tim-6', human: 'periodMax needs period', holds: needs('periodMax', 'period') },
    { key: 'tim-7', human: 'durationMax needs duration', holds: needs('durationMax', 'duration') },
    { key: 'tim-8', human: 'countMax needs count', holds: needs('countMax', 'count') },
    {
      key: 'tim-10',
      human: 'timeOfDay and when are not used together',
      holds: (node) => !has(node, 'timeOfDay') || !has(node, 'when'),
    },
  ],
};

/** Compares at the precision that both have: `2020-05` is not after `2020-05-01`. */
function inOrder(start: unknown, end: unknown): boolean {
  if (typeof start !== 'string' || typeof end !== 'string') return true;
  if (start.length > 10 && end.length > 10) {
    const [from, to] = [Date.parse(start), Date.parse(end)];
    return Number.isNaN(from) || Number.isNaN(to) || from <= to;
  }
  const shared = Math.min(start.length, end.length, 10);
  return start.slice(0, shared) <= end.slice(0, shared);
}

function sizeFits(data: unknown, size: unknown): boolean {
  if (typeof data !== 'string' || typeof size !== 'number') return true;
  const packed = data.replaceAll(/\s+/g, '');
  return Math.floor((trimEnd(packed, '=').length * 3) / 4) === size;
}
