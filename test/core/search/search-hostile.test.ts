import type { ResourceType } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import { Problem } from '../../../server/core/problem.ts';
import { parseCondition } from '../../../server/core/search/parse-condition.ts';
import { modifiers } from '../../../server/core/search/search-values.ts';
import { searchParametersOf } from '../../../server/core/search/search-parameters.ts';
import type { SearchCondition } from '../../../server/core/search/search-query.ts';
import { recordsWorld, type RecordsWorld } from '../../harness/records.ts';

let here: RecordsWorld;
beforeAll(async () => (here = await recordsWorld()));
afterAll(() => here.database.close());

const types: ResourceType[] = ['ImagingStudy', 'DiagnosticReport', 'Task', 'Patient', 'ServiceRequest', 'Observation', 'Media', 'DocumentReference', 'Endpoint', 'Binary',
  'Practitioner', 'Organization', 'Device', 'MedicationRequest', 'AuditEvent', 'Provenance', 'Communication', 'Consent', 'Group', 'ValueSet', 'RiskAssessment', 'MolecularSequence']; // prettier-ignore

const hostile = [
  "' or 1=1 --", '\\', '%_', '||', '|', 'a|b|c', '$', 'a$b$c', 'a\0b', '\ud800', '💥', '$1', '1e99', '-1e-99', '9'.repeat(60), 'NaN', 'Infinity', 'ap', 'gt', 'le2020-13',
  '0000', '9999', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:60Z', 'ne2020-02-30', 'Patient/1/2/3', '../..', 'http://', 'urn:uuid:x', 'x'.repeat(5000), '\\,', '\\|\\$', ' ', '+',
]; // prettier-ignore

async function answer(type: ResourceType, condition: SearchCondition): Promise<void> {
  const query = {
    type,
    conditions: [condition],
    include: [],
    revinclude: [],
    sort: [],
    count: 1,
    total: 'none' as const,
  };
  await here.world.read(({ records }) => records.search(query, () => everything));
}

describe('whatever stands in a search', () => {
  it.each(types)('every parameter of %s answers, or says what is wrong with the value', async (type) => {
    let n = 0;
    for (const parameter of searchParametersOf(type).values()) {
      for (const modifier of [undefined, ...modifiers[parameter.type]]) {
        const values = [0, 1, 2].map((step) => hostile[(n * 3 + step * 11) % hostile.length]!);
        n++;
        for (const value of modifier === 'missing' ? ['true', 'false'] : values) {
          const condition = { parameter: parameter.code, values: [value], ...(modifier !== undefined && { modifier }) };
          await answer(type, condition).catch((error: unknown) => {
            if (!(error instanceof Problem))
              throw new Error(`${type}?${parameter.code}:${modifier}=${JSON.stringify(value)}`, { cause: error });
            expect(error.code).toBe('value');
          });
        }
      }
    }
  });

  it.each(hostile)('%j as an id, a time, a chain or a cursor', async (value) => {
    for (const name of [
      '_id',
      '_id:not',
      '_lastUpdated',
      'patient.name',
      'patient.identifier',
      '_has:DiagnosticReport:result:status',
      '_has:Task:focus:authored-on',
    ]) {
      const run = async () => {
        const condition = parseCondition('Observation', name, value);
        if (condition) await answer('Observation', condition);
      };
      await run().catch((error: unknown) => expect((error as Problem).code, name).toBe('value'));
    }
    const query = {
      type: 'Patient' as const,
      conditions: [],
      include: [],
      revinclude: [],
      sort: [],
      count: 1,
      total: 'none' as const,
      after: value,
    };
    await expect(here.world.read(({ records }) => records.search(query, () => everything))).rejects.toMatchObject({
      code: 'value',
    });
  });
});
