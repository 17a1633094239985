import { describe, expect, test } from 'vitest';
import { parseCriteria, parseSearch } from '../../../server/core/search/parse-search.ts';
import { splitUnescaped } from '../../../server/core/search/search-values.ts';

const conditions = (type: 'Patient' | 'ImagingStudy' | 'Observation', query: string) =>
  parseSearch(type, [...new URLSearchParams(query)]).query.conditions;
const refusal = (query: string) => () => parseSearch('Patient', [...new URLSearchParams(query)]);

describe('conditions', () => {
  test('are ANDed by repetition and ORed by commas, escapes kept', () => {
    expect(conditions('Patient', 'family=a,b\\,c&family=d')).toEqual([
      { parameter: 'family', values: ['a', 'b\\,c'] },
      { parameter: 'family', values: ['d'] },
    ]);
  });

  test('chain through one type or several', () => {
    expect(conditions('ImagingStudy', 'subject:Patient.name:exact=x')).toEqual([
      {
        parameter: 'subject',
        values: [],
        chain: { type: 'Patient', condition: { parameter: 'name', modifier: 'exact', values: ['x'] } },
      },
    ]);
    expect(conditions('ImagingStudy', 'subject.identifier=x')[0]!.chain!.type).toBeUndefined();
    expect(
      conditions('ImagingStudy', 'patient.organization.name=x')[0]!.chain!.condition.chain!.condition.parameter,
    ).toBe('name');
  });

  test('reverse, nested too', () => {
    expect(conditions('Patient', '_has:Observation:patient:_has:AuditEvent:entity:agent=x')[0]).toMatchObject({
      parameter: '_has',
      has: {
        type: 'Observation',
        reference: 'patient',
        condition: { has: { type: 'AuditEvent', reference: 'entity', condition: { parameter: 'agent' } } },
      },
    });
  });
});

test.each([
  ['more parameters than make sense', Array.from({ length: 101 }, () => 'active=true').join('&'), 'too-costly'],
  ['more values than make sense', `_id=${Array.from({ length: 501 }, (_, n) => n).join(',')}`, 'too-costly'],
  ['a chain without end', `${'link.'.repeat(9)}name=x`, 'too-costly'],
  ['a reverse chain without end', `${'_has:Patient:link:'.repeat(9)}name=x`, 'too-costly'],
  ['a chain through what is no reference', 'name.family=x', 'not-supported'],
  ['a reverse chain that does not point here', '_has:Observation:encounter:code=x', 'value'],
])('refuses %s', (_name, query, code) => {
  expect(refusal(query)).toThrow(expect.objectContaining({ code }) as Error);
});

test('what is unknown is named, left out, and no condition', () => {
  const parsed = parseSearch('Patient', [
    ['nonsense', 'x'],
    ['name', ''],
    ['_sort', '-nonsense'],
    ['_include', 'Patient:name'],
    ['_revinclude', 'Observation:encounter'],
    ['x\ny', '1'],
    ['gender', 'male'],
  ]);
  expect(parsed.applied).toEqual([['gender', 'male']]);
  expect(parsed.warnings).toHaveLength(6);
  expect(parsed.warnings.join()).not.toContain('\n');
  expect(parsed.query).toMatchObject({ include: [], revinclude: [], sort: [] });
});

test('a page has a limit, and a count of zero asks for the total only', () => {
  expect(parseSearch('Patient', [['_count', '999999']]).query.count).toBe(1000);
  expect(
    parseSearch('Patient', [
      ['_count', '0'],
      ['_sort', 'name'],
    ]),
  ).toMatchObject({ countOnly: true, query: { count: 0, total: 'accurate', sort: [] } });
});

test('criteria of conditional interactions must say something and nothing unknown', () => {
  expect(() => parseCriteria('Patient', [])).toThrow();
  expect(() => parseCriteria('Patient', [['_count', '1']])).toThrow();
  expect(() =>
    parseCriteria('Patient', [
      ['identifier', 'x'],
      ['nonsense', 'y'],
    ]),
  ).toThrow();
  expect(parseCriteria('Patient', [['identifier', 'x']])).toHaveLength(1);
});

test('splits where no backslash stands', () => {
  expect(splitUnescaped('a\\,b,c\\\\,d', ',')).toEqual(['a\\,b', 'c\\\\', 'd']);
});
