import type { Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { history, read, readVersion } from '../../../server/core/records/read.ts';
import { write, writeInTransaction } from '../../../server/core/records/write.ts';
import { caller, recordsWorld, server, type RecordsWorld } from '../../harness/records.ts';

let here: RecordsWorld;
beforeAll(async () => (here = await recordsWorld()));
afterAll(() => here.database.close());

const patient: Patient = { resourceType: 'Patient', name: [{ family: 'Rao' }] };
const doctor = caller('user/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d' });

describe('writing a record', () => {
  it('gives a new one an id, version 1 and a time, whatever the client put there', async () => {
    const { record, created } = await writeInTransaction(here.world, server, {
      method: 'create',
      resource: { ...patient, id: 'mine', meta: { versionId: '7', lastUpdated: '2001-01-01T00:00:00Z' } },
    });
    expect(created).toBe(true);
    expect(record.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(record.resource?.meta).toEqual({ versionId: '1', lastUpdated: record.lastUpdated.toISOString() });
    const stored = await read(here.world, server, 'Patient', record.id);
    expect(stored.resource).toEqual(record.resource);
    expect(JSON.parse(stored.json!)).toEqual(record.resource);
  });

  it('refuses a stale If-Match and keeps the record as it is', async () => {
    const { id } = await here.put(patient);
    const update = (family: string, ifMatch: number) =>
      writeInTransaction(here.world, server, {
        method: 'update',
        id,
        ifMatch,
        resource: { ...patient, id, name: [{ family }] },
      });
    await update('Iyer', 1);
    await expect(update('Menon', 1)).rejects.toMatchObject({ code: 'lock-error' });
    expect((await read(here.world, server, 'Patient', id)).version).toBe(2);
  });

  it('makes no new version of the same content, in whatever order it is written', async () => {
    const { id } = await here.put({ ...patient, gender: 'female', active: true });
    const outcome = await writeInTransaction(here.world, server, {
      method: 'update',
      id,
      resource: { active: true, id, gender: 'female', name: [{ family: 'Rao' }], resourceType: 'Patient' },
    });
    expect(outcome).toMatchObject({ unchanged: true, created: false, record: { version: 1 } });
  });

  it('refuses another id in the body, an unknown id of a server-made type and an invalid resource', async () => {
    const update = (resource: Patient | { resourceType: 'Task'; id: string; status: 'requested'; intent: 'order' }) =>
      writeInTransaction(here.world, doctor, { method: 'update', id: 'x', resource });
    await expect(update({ ...patient, id: 'y' })).rejects.toMatchObject({ code: 'value', expression: 'Patient.id' });
    await expect(update({ resourceType: 'Task', id: 'x', status: 'requested', intent: 'order' })).rejects.toMatchObject(
      { code: 'not-found' },
    );
    const broken = { resourceType: 'Patient', id: 'x', nonsense: true } as unknown as Patient;
    await expect(update(broken)).rejects.toMatchObject({ code: 'structure' });
  });

  it('keeps deleted records in history, answers deleted, and brings them back under the next version', async () => {
    const { id } = await here.put(patient);
    await writeInTransaction(here.world, server, { method: 'delete', type: 'Patient', id });
    await expect(read(here.world, server, 'Patient', id)).rejects.toMatchObject({ code: 'deleted' });
    await expect(readVersion(here.world, server, 'Patient', id, 2)).rejects.toMatchObject({ code: 'deleted' });
    expect((await readVersion(here.world, server, 'Patient', id, 1)).resource?.id).toBe(id);
    expect(await here.find(`Patient?_id=${id}`)).toEqual([]);
    const again = await writeInTransaction(here.world, server, { method: 'delete', type: 'Patient', id });
    expect(again.unchanged).toBe(true);
    const back = await writeInTransaction(here.world, server, { method: 'update', id, resource: { ...patient, id } });
    expect(back).toMatchObject({ created: true, record: { version: 3 } });
    expect(await here.find(`Patient?_id=${id}`)).toEqual([id]);
    const { entries } = await history(here.world, server, { type: 'Patient', id }, { count: 10 });
    expect(entries.map(({ version, method }) => [version, method])).toEqual([[3, 'PUT'], [2, 'DELETE'], [1, 'POST']]); // prettier-ignore
  });

  it('pages history without repeating or losing an entry', async () => {
    const { id } = await here.put(patient);
    for (const family of ['b', 'c', 'd', 'e']) await here.put({ ...patient, id, name: [{ family }] });
    const first = await history(here.world, server, { type: 'Patient', id }, { count: 2 });
    const second = await history(here.world, server, { type: 'Patient', id }, { count: 2, before: first.next! });
    const third = await history(here.world, server, { type: 'Patient', id }, { count: 2, before: second.next! });
    const versions = [first, second, third].flatMap(({ entries }) => entries.map(({ version }) => version));
    expect(versions).toEqual([5, 4, 3, 2, 1]);
    expect(third.next).toBeUndefined();
    const at = (await readVersion(here.world, server, 'Patient', id, 3)).lastUpdated;
    const then = await history(here.world, server, { type: 'Patient', id }, { count: 5, at });
    expect(then.entries.every(({ lastUpdated }) => lastUpdated <= at)).toBe(true);
  });

  it('lets one of eight writers win a version; nobody is lost', async () => {
    const { id } = await here.put(patient);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        writeInTransaction(here.world, server, {
          method: 'update',
          id,
          ifMatch: 1,
          resource: { ...patient, id, name: [{ family: `w${n}` }] },
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['lock-error']));
    expect((await read(here.world, server, 'Patient', id)).version).toBe(2);
  });

  it('creates one record when eight writers create on the same condition', async () => {
    const create = () =>
      here.world.transaction(async (stores) => {
        await stores.records.lockKey('Patient?identifier=x|42');
        const query = {
          type: 'Patient',
          conditions: [{ parameter: 'identifier', values: ['x|42'] }],
          include: [],
          revinclude: [],
          sort: [],
          count: 2,
          total: 'none',
        } as const;
        const { matches } = await stores.records.search(
          { ...query, conditions: [...query.conditions] as never, include: [], revinclude: [], sort: [] },
          () => ({ kind: 'all' }),
        );
        if (matches.length > 0) return;
        await write(
          { world: here.world, stores, principal: server },
          { method: 'create', resource: { ...patient, identifier: [{ system: 'x', value: '42' }] } },
        );
      });
    await Promise.all(Array.from({ length: 8 }, create));
    expect(await here.find('Patient?identifier=x|42')).toHaveLength(1);
  });

  it('creates one record when eight writers upsert the same new id', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, n) => here.put({ ...patient, id: 'upserted', name: [{ family: `u${n}` }] })),
    );
    expect((await read(here.world, server, 'Patient', 'upserted')).version).toBe(8);
  });

  it('stores nothing of a transaction that fails, and writes audit and change rows with the record', async () => {
    const before = await here.find('Observation?code=rollback');
    await expect(
      here.world.transaction(async (stores) => {
        const resource: Observation = {
          resourceType: 'Observation',
          status: 'final',
          code: { coding: [{ code: 'rollback' }] },
        };
        await write({ world: here.world, stores, principal: server }, { method: 'create', resource });
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await here.find('Observation?code=rollback')).toEqual(before);
    const { id } = await here.put(patient);
    const audit = await here.database.sql.query(`select action, outcome from audit where $1 = any(entities)`, [
      `Patient/${id}/_history/1`,
    ]);
    expect(audit).toContainEqual({ action: 'C', outcome: 'success' });
    const change = await here.database.sql.query(
      `select version, patients from change where type = 'Patient' and id = $1`,
      [id],
    );
    expect(change).toEqual([{ version: 1, patients: [id] }]);
  });

  it('takes hostile text as data', async () => {
    const family = `Robert'); drop table record;-- \u0000 \ud800 % _ \\ ${'x'.repeat(20_000)}`;
    const { record } = await writeInTransaction(here.world, server, {
      method: 'create',
      resource: { ...patient, name: [{ family: family.replace('\u0000', '').replace('\ud800', '') }] },
    });
    expect(await here.find(`Patient?name=${encodeURIComponent("robert'); drop")}`)).toEqual([record.id]);
    expect(await here.find(`Patient?name=${encodeURIComponent('%_')}`)).toEqual([]);
    await expect(here.find(`Patient?name=a%00b`)).resolves.toEqual([]);
  });
});
