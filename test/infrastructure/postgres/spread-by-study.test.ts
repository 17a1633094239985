import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import type { InstanceRow } from '../../../server/core/dicom/instance.ts';
import type { RemovalStore, Removing } from '../../../server/core/studies/removal-store.ts';
import type { StudyQuery, StudyStore } from '../../../server/core/studies/study-store.ts';
import type { Sql } from '../../../server/infrastructure/postgres/connection.ts';
import { postgresRemovals } from '../../../server/infrastructure/postgres/studies/removals.ts';
import { postgresStudyWriting } from '../../../server/infrastructure/postgres/studies/studies.ts';
import { postgresStudySearch } from '../../../server/infrastructure/postgres/studies/search.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

// Tables that an engine such as Citus spreads by the study take nothing that only one machine could check or compute.
const spread = ['study', 'series', 'instance', 'removed_instance'];
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

describe('the tables of the instance index', () => {
  const inSpread = `any('{${spread.join(',')}}'::regclass[])`;
  const keyColumns = (numbers: string, table: string) =>
    `(select array_agg(attname::text order by place) from unnest(${numbers}) with ordinality as part (number, place)
        join pg_attribute on attrelid = ${table} and attnum = number)`;

  it('have the study in every unique key', async () => {
    const keys = await database.sql.query<{ key: string; columns: string[] | null }>(
      `select indexrelid::regclass::text as key, ${keyColumns('indkey::int2[]', 'indrelid')} as columns
         from pg_index where indrelid = ${inSpread} and indisunique`,
    );
    expect(keys.length).toBeGreaterThanOrEqual(spread.length);
    expect(keys.filter(({ columns }) => !columns?.includes('study_uid'))).toEqual([]);
    const others = await database.sql.query(
      `select conname from pg_constraint where conrelid = ${inSpread} and contype = 'x'`,
    );
    expect(others).toEqual([]);
  });

  it('refer by the study, and to each other only; nothing else refers to them', async () => {
    const keys = await database.sql.query<{ here: string; there: string; from: string[]; to: string[] }>(
      `select conrelid::regclass::text as here, confrelid::regclass::text as there,
              ${keyColumns('conkey', 'conrelid')} as "from", ${keyColumns('confkey', 'confrelid')} as "to"
         from pg_constraint where contype = 'f' and (conrelid = ${inSpread} or confrelid = ${inSpread})`,
    );
    expect(keys.length).toBeGreaterThan(0);
    for (const { here, there, from, to } of keys) {
      expect(spread).toEqual(expect.arrayContaining([here, there]));
      expect(to[from.indexOf('study_uid')], `${here} -> ${there}`).toBe('study_uid');
    }
  });

  it('have no triggers', async () => {
    const triggers = await database.sql.query(
      `select tgname from pg_trigger where tgrelid = ${inSpread} and not tgisinternal`,
    );
    expect(triggers).toEqual([]);
  });
});

/** Words of SQL that give another value each time, without being functions by name. */
const changing =
  /\b(current_(date|time|timestamp|user|role|schema|catalog)|local(time|timestamp)|session_user|user)\b/gi;

/** What is not immutable in `on conflict ... do update` of a statement. */
async function changingInUpdate(statement: string): Promise<string[]> {
  const update = /\bdo\s+update\b([\s\S]*?)(\breturning\b|$)/i.exec(statement)?.[1];
  if (update === undefined) return [];
  const names = [...update.matchAll(/([a-z_][a-z0-9_]*)\s*\(/gi)].map(([, name]) => name!.toLowerCase());
  const found = await database.sql.query<{ name: string }>(
    `select distinct proname as name from pg_proc where proname = any($1) and provolatile <> 'i'`,
    [names],
  );
  return [...found.map(({ name }) => name), ...(update.match(changing) ?? [])];
}

/** The store of a database that has an instance of each kind, and the statements that all its methods sent. */
async function statementsOfStore(): Promise<string[]> {
  const seen: string[] = [];
  const called = new Set<string>();
  const sql: Sql = {
    query: (text, values) => (seen.push(text), database.sql.query(text, values)),
    prepared: (text, values) => (seen.push(text), database.sql.prepared(text, values)),
  };
  const whole: StudyStore & RemovalStore = {
    ...postgresStudyWriting(sql),
    ...postgresStudySearch(sql),
    ...postgresRemovals(sql),
  };
  const store = new Proxy(whole, {
    get: (target, name) => (called.add(String(name)), Reflect.get(target, name) as unknown),
  });
  const row = (sop: string, study = '1.2'): InstanceRow => ({
    StudyInstanceUID: study,
    SeriesInstanceUID: `${study}.3`,
    SOPInstanceUID: sop,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    blob: 'b'.repeat(64),
    size: 1,
    attributes: { '00080060': { vr: 'CS', Value: ['CT'] }, '00080020': { vr: 'DA', Value: ['20260310'] } },
    bulk: {},
    frames: null,
  });
  await store.lockStudy('1.2');
  await database.sql.query(`insert into instance_name (sop_uid, study_uid) values ('1.2.3.9', '9.9')`); // its instance is gone
  expect(await store.claimNames([row('1.2.3.1'), row('1.2.3.9')])).toEqual([true, true]);
  for (let times = 0; times < 2; times++) {
    await store.insertInstances([row('1.2.3.1'), row('1.2.3.9')]);
    expect(await store.settle('1.2', { patientId: 'p', imagingStudyId: 'i' })).toMatchObject({ revision: times + 1 });
  }
  expect(await store.claimNames([row('1.2.3.1', '1.7')])).toEqual([false]);
  expect(await store.study('1.2')).toMatchObject({ numberOfInstances: 2 });
  expect(await store.tiedTo('i')).toBe('1.2');
  expect(await store.studiesOf('p')).toEqual(['1.2']);
  const coercion = { attributes: {}, at: '2026-03-10T10:00:00Z', system: 'test', reason: 'CORRECT' } as const;
  for (const wanted of [coercion, undefined]) await store.coerce('1.2', wanted);
  expect((await store.content('1.2')).series).toHaveLength(1);
  expect(await store.blobsInUse(['b'.repeat(64)])).toHaveProperty('size', 1);
  for (const level of ['study', 'series', 'instance'] as const) {
    const query: StudyQuery = {
      level,
      match: [
        { path: '00080060', vr: 'CS', value: 'CT' },
        { path: '00080020', vr: 'DA', value: '20260101-' },
      ],
      include: [],
      fuzzy: false,
      emptyValueMatching: false,
      multipleValueMatching: false,
      limit: 10,
      offset: 0,
    };
    expect((await store.find(query, everything)).matches.length).toBe(level === 'instance' ? 2 : 1);
    expect(await store.countOfFind(query, everything)).toBe(level === 'instance' ? 2 : 1);
  }
  const [image, ...others] = await store.addresses({ StudyInstanceUID: '1.2' }, everything);
  expect(others).toHaveLength(1);
  expect(await store.instance(image!, everything)).toMatchObject({ StudyInstanceUID: '1.2', patientId: 'p' });
  expect(await store.middleImage({ StudyInstanceUID: '1.2' }, everything, [])).toBeUndefined();
  await store.imageAttributes('1.2', ['00080060']);
  expect(await store.attributesOf('1.2', ['1.2.3.1'])).toHaveLength(1);
  const now = new Date();
  const why: Removing = { reason: '113037', by: 'client x', at: now, purgeAfter: now };
  const name = { StudyInstanceUID: '1.2', SOPInstanceUID: '1.2.3.9' };
  expect(await store.notesAmong('1.2', ['1.2.3.9'])).toEqual([]);
  expect(await store.putAside('1.2', ['1.2.3.9', '1.2.3.7'], why)).toEqual(['1.2.3.9']);
  await store.bar('1.2', ['1.2.3.9'], { ...why, patientId: 'p' });
  expect(await store.obstacles([name])).toMatchObject([{ ...name, removed: true, barred: { purged: false } }]);
  expect(await store.removed('1.2')).toMatchObject([{ ...name, byNote: false }]);
  await store.bringBack('1.2', ['1.2.3.9']);
  expect(await store.obstacles([name])).toEqual([]);
  await store.putAside('1.2', ['1.2.3.9'], why);
  expect(await store.due(now, 10)).toEqual(['1.2']);
  expect(await store.purge('1.2', now)).toEqual(['1.2.3.9']);
  await store.forget([name]);
  await store.coerce('1.2', { attributes: { '00100020': { vr: 'LO', Value: ['P'] } }, at: '2026-11-27T00:00:00Z', system: 'CSSS', reason: 'CORRECT' }); // prettier-ignore
  expect(await store.attributesOf('1.2', ['1.2.3.1'])).toEqual([expect.stringContaining('04000561')]);
  expect((await store.addresses({ StudyInstanceUID: '1.2' }, everything))[0]!.coerced).not.toBeNull();
  await store.expect('1.2', { series: 1, instances: 9 });
  expect(await store.grow('1.2', 60)).toMatchObject({ began: true });
  expect(await store.completeIfDue('1.2')).toBeGreaterThan(0);
  expect(await store.overdue(60, 10)).toEqual([]);
  expect(await store.completeIfDue('1.2', true)).toBe('complete');
  expect(await store.growth('1.2')).toEqual({ growing: false, wasComplete: true });
  expect([...called].sort()).toEqual(Object.keys(whole).sort());
  return seen;
}

describe('the statements on them', () => {
  let statements: string[];
  beforeAll(async () => {
    statements = await statementsOfStore();
  });

  it('compute nothing in DO UPDATE that is not immutable', async () => {
    expect(statements.filter((text) => /do\s+update/i.test(text)).length).toBeGreaterThan(0);
    for (const statement of statements) expect(await changingInUpdate(statement), statement).toEqual([]);
  });

  it('name the study where they change rows, and where rows stand in conflict', () => {
    const changes = statements.filter((text) => /\b(update|delete from|insert into)\s+(study|series|instance)\b/i.test(text));
    expect(changes.length).toBeGreaterThan(3);
    for (const text of changes) {
      for (const [, part] of text.matchAll(/\b(?:update|delete from)\s+(?:study|series|instance)\b([\s\S]*?)(?:\breturning\b|$)/gi))
        expect(part).toMatch(/where[\s\S]*study_uid/);
      for (const [, target] of text.matchAll(/on conflict\s*\(([^)]*)\)/gi)) expect(target).toContain('study_uid');
    }
  }); // prettier-ignore
});

test('what the check of statements looks for, it finds', async () => {
  const update = (expression: string) =>
    `insert into study (study_uid) values ($1) on conflict (study_uid) do update set updated_at = ${expression} returning 1`;
  expect(await changingInUpdate(update('now()'))).toEqual(['now']);
  expect(await changingInUpdate(update('clock_timestamp ()'))).toEqual(['clock_timestamp']);
  expect(await changingInUpdate(update('current_timestamp'))).toEqual(['current_timestamp']);
  expect(await changingInUpdate(update('coalesce(excluded.updated_at, lower($2))'))).toEqual([]);
  expect(await changingInUpdate(`insert into study (updated_at) values (now()) on conflict do nothing`)).toEqual([]);
});

test('the file that spreads them names these tables, and the foreign key as it is called', async () => {
  const path = join(import.meta.dirname, '../../../server/infrastructure/postgres/studies/distribute-on-citus.sql');
  const file = readFileSync(path, 'utf8');
  const named = [...file.matchAll(/create_distributed_table\('(\w+)', 'study_uid'/g)].map(([, table]) => table);
  expect(named).toEqual(spread);
  const client = await database.dataSource.query<{ conname: string }[]>(
    `select conname from pg_constraint where contype = 'f' and conrelid = 'series'::regclass`,
  );
  expect(client.map(({ conname }) => conname)).toEqual(['series_study_uid_fkey']);
  expect(file.match(/constraint (\w+)/g)).toEqual(Array(2).fill('constraint series_study_uid_fkey'));
});
