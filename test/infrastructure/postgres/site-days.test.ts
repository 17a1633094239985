import type { ImagingStudy, Resource } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { calendarParameters, searchParametersOf } from '../../../server/core/search/search-parameters.ts';
import { resourceTypes, structureOf } from '../../../server/core/r4/structure.ts';
import table from '../../../server/core/search/search-parameters.json' with { type: 'json' };
import { indexDays } from '../../../server/infrastructure/postgres/records/site-days.ts';
import { recordsWorld, type RecordsWorld } from '../../harness/records.ts';

const study = (id: string, started: string): ImagingStudy => ({
  resourceType: 'ImagingStudy',
  id,
  status: 'available',
  subject: { reference: 'Patient/a' },
  started,
});
const stored: Resource[] = [
  { resourceType: 'Patient', id: 'a', birthDate: '1980-03-10' },
  { resourceType: 'Patient', id: 'b', birthDate: '2011-12-30' },
  { resourceType: 'Patient', id: 'c', birthDate: '2011-12' },
  study('evening', '2026-03-10T21:45:00-04:00'),
  study('evening-in-utc', '2026-03-11T01:45:00Z'),
  study('day', '2026-03-10'),
  study('month', '2026-03'),
  study('next-morning', '2026-03-11T07:00:00-04:00'),
  study('before-midnight', '2026-03-09T23:59:59-04:00'),
  {
    resourceType: 'Observation',
    id: 'period',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/a' },
    effectivePeriod: { start: '2026-03-10', end: '2026-03-10T22:00:00-04:00' },
  },
];

describe('at a site in New York', () => {
  let here: RecordsWorld;
  beforeAll(async () => {
    here = await recordsWorld('America/New_York');
    for (const resource of stored) await here.put(resource);
  });
  afterAll(() => here.database.close());

  it.each([
    ['started=2026-03-10', ['evening', 'evening-in-utc', 'day']],
    ['started=2026-03-11', ['next-morning']],
    ['started=ge2026-03-10&started=le2026-03-10', ['evening', 'evening-in-utc', 'day', 'month']],
    ['started=ne2026-03-10', ['month', 'next-morning', 'before-midnight']],
    ['started=gt2026-03-10', ['month', 'next-morning']],
    ['started=lt2026-03-10', ['month', 'before-midnight']],
    ['started=sa2026-03-10', ['next-morning']],
    ['started=eb2026-03-10', ['before-midnight']],
    ['started=2026-03', ['evening', 'evening-in-utc', 'day', 'month', 'next-morning', 'before-midnight']],
    ['started=2026-03-10T21:45', ['evening', 'evening-in-utc']],
    ['started=2026-03-11T01:45:00Z', ['evening', 'evening-in-utc']],
    ['started=ge2026-03-11T00:00:00-04:00', ['month', 'next-morning']],
    ['started=eb2026-03-10T00:00:00-04:00', ['before-midnight']],
  ])('%s finds what lay on that day there', async (query, ids) => {
    expect((await here.find(`ImagingStudy?${query}`)).sort()).toEqual(ids.sort());
  });

  it('a period of a day and a time is one of both', async () => {
    expect(await here.find('Observation?date=2026-03-10')).toEqual(['period']);
    expect(await here.find('Observation?date=sa2026-03-09')).toEqual(['period']);
    expect(await here.find('Observation?date=eb2026-03-11')).toEqual(['period']);
  });

  it('studies are sorted by when they began, whatever their precision', async () => {
    expect(await here.find('ImagingStudy?_sort=started&started=ge2026-03-10&started=lt2026-03-12')).toEqual([
      'month',
      'day',
      'evening',
      'evening-in-utc',
      'next-morning',
    ]);
  });

  it('records are found by the day on which they were stored there', async () => {
    const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York' }).format(new Date());
    expect(await here.find(`Patient?_lastUpdated=${today}`)).toHaveLength(3);
    expect(await here.find(`Patient?_lastUpdated=sa${today}`)).toEqual([]);
  });
});

test.each(['UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'Pacific/Kiritimati'])(
  'a birth date is found by its day in %s, even the day that Samoa left out',
  async (timeZone) => {
    const here = await recordsWorld(timeZone);
    try {
      for (const resource of stored.slice(0, 3)) await here.put(resource);
      const found = async (query: string) => (await here.find(`Patient?birthdate=${query}`)).sort();
      expect(await found('1980-03-10')).toEqual(['a']);
      expect(await found('2011-12-30')).toEqual(['b']);
      for (const none of ['2011-12-29', '2011-12-31', '1980-03-09', '1980-03-11', 'gt2011-12-31'])
        expect(await found(none)).toEqual([]);
      expect(await found('2011-12')).toEqual(['b', 'c']);
      expect(await found('le1980-03-10')).toEqual(['a']);
      expect(await found('sa1980-03-10')).toEqual(['b', 'c']);
      expect(await found('eb1980-03-11')).toEqual(['a']);
    } finally {
      await here.database.close();
    }
  },
);

test('when the zone of the site changes, the index follows at the next start', async () => {
  const before = await recordsWorld('UTC');
  try {
    for (const resource of stored) await before.put(resource);
    const { dataSource, sql } = before.database;
    const rows = (zone: string) =>
      sql.query(
        `select param, part, low, high, '${zone}' as zone from search_date order by rid, param, part, low, high`,
      );
    const inUtc = await rows('');
    const steps: string[] = [];
    expect(await indexDays(dataSource, 'UTC', (step) => steps.push(step))).toBe(0);
    expect(steps).toEqual([]);
    // Two processes start at once: one does the work, the other finds it done. Instants and birthdays stay as they are.
    const done = await Promise.all(
      [1, 2].map(() => indexDays(dataSource, 'America/New_York', (step) => steps.push(step))),
    );
    expect(done.sort()).toEqual([0, 3]);
    expect(steps).toHaveLength(1);
    const fresh = await recordsWorld('America/New_York');
    for (const resource of stored) await fresh.put(resource);
    const wanted = `select param, part, low, high from search_date order by param, part, low, high`;
    expect(await sql.query(wanted)).toEqual(await fresh.database.sql.query(wanted));
    await fresh.database.close();
    await indexDays(dataSource, 'UTC');
    expect(await rows('')).toEqual(inUtc);
  } finally {
    await before.database.close();
  }
});

/** The FHIR types that a path of the table can lead to, for paths as plain as those of dates are. */
function typesAt(start: string, path: string): Set<string> {
  const all = new Set<string>();
  for (const term of path.split('|').map((one) => one.trim())) {
    let types = [start];
    for (const step of term.split('.')) {
      const cast = /^ofType\((\w+)\)$/.exec(step)?.[1] ?? /^\(?\w+ as (\w+)\)?$/.exec(step)?.[1];
      const name = /^ofType/.test(step) ? undefined : /\w+/.exec(step)![0];
      if (name !== undefined)
        types = types.flatMap((type) =>
          [...(structureOf(type)?.properties.values() ?? [])]
            .filter(({ element }) => element === name)
            .map((one) => one.type),
        );
      if (cast !== undefined) types = types.filter((type) => type === cast);
    }
    for (const type of types) all.add(type);
  }
  return all;
}

test('the parameters that mean days of the calendar are those whose elements are of the type date', () => {
  const found: string[] = [];
  const mixed: string[] = [];
  for (const type of resourceTypes) {
    for (const [code, { type: kind }] of searchParametersOf(type as 'Patient')) {
      if (kind !== 'date') continue;
      const { parameters } = table as unknown as { parameters: Record<string, Record<string, { path: string }>> };
      const path = parameters[type]?.[code]?.path ?? parameters['Resource']![code]!.path;
      const types = typesAt(type, path);
      expect(types.size, `${type}.${code} ${path}`).toBeGreaterThan(0);
      if (types.has('date')) (types.size === 1 ? found : mixed).push(`${type}.${code}`);
    }
  }
  expect(mixed).toEqual([]);
  expect(found.sort()).toEqual([...calendarParameters].sort());
});
