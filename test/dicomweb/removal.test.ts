import type { ImagingStudy } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller } from '../harness/records.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { purgeRemoved } from '../../server/core/studies/purge-removed.ts';
import { removePart } from '../../server/core/studies/remove.ts';
import { sweepBlobs } from '../../server/core/studies/sweep-blobs.ts';
import { reasonParameter, removalWorld, studyOf, type RemovalWorld } from './removal-world.ts';

let server: RemovalWorld;
beforeAll(async () => {
  server = await removalWorld();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const day = 24 * 3_600_000;
const later = (days: number) => ({ ...server.world, now: () => new Date(Date.now() + days * day) });

/** A stored study whose review has ended. */
async function readStudy(options = {}) {
  const made = studyOf(options);
  expect((await server.stow(made.files)).status).toBe(200);
  await server.endReview(made.study);
  return made;
}

const rows = async (table: string, study: string) =>
  (await server.database.sql.query<{ n: number }>(`select count(*)::int as n from ${table} where study_uid = $1`, [study]))[0]!.n; // prettier-ignore
const blobsOf = (study: string) =>
  server.database.sql.query<{ blob: string }>(
    `select blob from instance where study_uid = $1 union select blob from removed_instance where study_uid = $1`,
    [study],
  );

describe('DELETE', () => {
  it('of an instance hides it from every way at once and leaves the others', async () => {
    const { study, first, second, a, b, c } = await readStudy();
    expect(await server.ways(study, first, a)).toEqual([200, 200, 200, 200, 200]);
    expect(await server.remove(`/studies/${study}/series/${first}/instances/${a}`)).toEqual({ status: 204 });
    expect(await server.ways(study, first, a)).toEqual([404, 404, 404, 404, 404]);
    expect(await server.ways(study, first, b)).toEqual([200, 200, 200, 200, 200]);
    expect(await server.listed(study)).toEqual([b, c]);
    const metadata = (await server.get(`/studies/${study}/metadata`)).json();
    expect(metadata.map((one) => one['00080018']!.Value![0])).toEqual([b, c]);
    const [found] = (await server.get(`/studies?StudyInstanceUID=${study}`)).json();
    expect(found!['00201208']!.Value).toEqual([2]);
    const record = await server.imagingStudy(study);
    expect(record).toMatchObject({ status: 'available', numberOfSeries: 2, numberOfInstances: 2 });
    expect(record.series!.map(({ uid, instance }) => [uid, instance!.map((one) => one.uid)])).toEqual([
      [first, [b]],
      [second, [c]],
    ]);
    expect((await server.remove(`/studies/${study}/series/${first}/instances/${a}`)).status).toBe(404);
  });

  it('of a series takes all of it, and what the study says of the rest is made anew', async () => {
    const { study, first, second, c } = await readStudy();
    expect((await server.remove(`/studies/${study}/series/${first}`, 'doctor')).status).toBe(204);
    expect(await server.listed(study)).toEqual([c]);
    expect((await server.get(`/studies/${study}/series/${first}/instances`)).json()).toEqual([]);
    expect((await server.get(`/studies/${study}/series/${first}/thumbnail`)).status).toBe(404);
    expect((await server.imagingStudy(study)).series!.map(({ uid }) => uid)).toEqual([second]);
  });

  it('of the first image of a series takes the attributes of the series from the next', async () => {
    const { study, first, a } = studyOf();
    const named = (instance: string, number: number, text: string) =>
      imageFile({ study, series: first, instance, number, with: [['0008103E', 'LO', text]] });
    await server.stow([named(a, 1, 'First'), named(`${a}.2`, 2, 'Second')]);
    await server.endReview(study);
    await server.remove(`/studies/${study}/series/${first}/instances/${a}`);
    const [series] = (await server.get(`/studies/${study}/series?includefield=0008103E`)).json();
    expect(series!['0008103E']!.Value).toEqual(['Second']);
  });

  it.each([
    ['113001', 'entered-in-error'],
    ['113039', 'cancelled'],
  ])('of a study (%s) leaves its ImagingStudy as a record of nothing, %s', async (reason, status) => {
    const { study, first, a } = await readStudy();
    const before = await server.imagingStudy(study);
    expect((await server.remove(`/studies/${study}`, 'admin', `?reason=${reason}`)).status).toBe(204);
    expect((await server.get(`/studies?StudyInstanceUID=${study}`)).json()).toEqual([]);
    expect((await server.get(`/studies?StudyInstanceUID=${study}`)).headers.get('X-Total-Count')).toBe('0');
    expect((await server.get(`/series?StudyInstanceUID=${study}`)).json()).toEqual([]);
    expect((await server.get(`/studies/${study}/metadata`)).status).toBe(404);
    expect(await server.ways(study, first, a)).toEqual([404, 404, 404, 404, 404]);
    const record = await server.imagingStudy(study);
    expect(record).toMatchObject({
      id: before.id,
      status,
      subject: before.subject,
      numberOfSeries: 0,
      numberOfInstances: 0,
    });
    expect([record.series, record.modality]).toEqual([undefined, undefined]);
    expect((await server.remove(`/studies/${study}`)).status).toBe(404);
  });

  it.each([
    ['no reason', ''],
    ['an empty reason', '?reason='],
    ['an unknown reason', '?reason=113000'],
    ['a name of every object', '?reason=constructor'],
    ['two reasons', '?reason=113001&reason=113037'],
  ])('with %s is 400 and says which there are', async (_, query) => {
    const { study, a, b, c } = await readStudy();
    const reply = await server.remove(`/studies/${study}`, 'all', query);
    expect(reply).toMatchObject({ status: 400, code: 'value' });
    if (!query.includes('&')) expect(reply.message).toContain('113037 Rejected for Patient Safety Reasons');
    expect(await server.listed(study)).toEqual([a, b, c]);
  });

  it('of what is no UID is 400, of what is not there 404', async () => {
    const { study, first } = await readStudy();
    expect((await server.remove('/studies/x')).status).toBe(400);
    expect((await server.remove(`/studies/${study}/series/x`)).status).toBe(400);
    expect((await server.remove(`/studies/${study}/series/${first}/instances/'`)).status).toBe(400);
    expect((await server.remove(`/studies/${study}.77`)).status).toBe(404);
    expect((await server.remove(`/studies/${study}/series/${first}.7`)).status).toBe(404);
    expect((await server.remove(`/studies/${study}/series/${first}/instances/1.2.3`)).status).toBe(404);
  });

  it('is for doctors, administrators and services with a scope that deletes', async () => {
    const { study, first, a, b, c } = await readStudy();
    for (const as of ['reading-doctor', 'pharmacist', 'patient', 'keeper', 'adder'])
      expect([as, (await server.remove(`/studies/${study}`, as)).status]).toEqual([as, 403]);
    expect((await server.get(`/studies/${study}?reason=113001`, { method: 'DELETE', as: null })).status).toBe(401);
    expect(await server.listed(study)).toEqual([a, b, c]);
    const instance = `/studies/${study}/series/${first}/instances`;
    expect((await server.remove(`${instance}/${a}`, 'deleter')).status).toBe(204);
    expect((await server.remove(`${instance}/${b}`, 'admin')).status).toBe(204);
  });

  it('of a study that the token does not reach is 404', async () => {
    const { study, a, b, c } = await readStudy();
    const patient = (await server.imagingStudy(study)).subject.reference!.slice('Patient/'.length);
    const who = { role: 'doctor', fhirUser: 'Practitioner/d' } as const;
    server.callers.set('elsewhere', caller('patient/*.cruds', { ...who, patient: 'another' }));
    server.callers.set('here', caller('patient/*.cruds', { ...who, patient }));
    server.callers.set('mr-only', caller('system/ImagingStudy.d?modality=MR', { kind: 'client' }));
    expect((await server.remove(`/studies/${study}`, 'elsewhere')).status).toBe(404);
    expect((await server.remove(`/studies/${study}`, 'mr-only')).status).toBe(404);
    expect(await server.listed(study)).toEqual([a, b, c]);
    expect((await server.remove(`/studies/${study}`, 'here')).status).toBe(204);
  });

  it('waits for the end of a review and says what to do', async () => {
    const { study, files, a, b, c } = studyOf();
    await server.stow(files);
    const { id } = await server.coordination(study);
    const reply = await server.remove(`/studies/${study}`, 'admin');
    expect(reply).toMatchObject({ status: 409, code: 'conflict' });
    expect(reply.message).toContain(`POST Task/${id}/$cancel`);
    expect(reply.message).toContain('rejection note');
    expect(await server.listed(study)).toEqual([a, b, c]);
    await server.endReview(study);
    expect((await server.remove(`/studies/${study}`, 'admin')).status).toBe(204);
  });

  it('is written down with its reason, whoever is refused too', async () => {
    const { study, second, c } = await readStudy();
    await server.remove(`/studies/${study}/series/${second}`, 'pharmacist', '?reason=113038');
    await server.remove(`/studies/${study}/series/${second}`, 'doctor', '?reason=113038');
    const trail = await server.database.sql.query<{ outcome: string; entities: string[]; query: string; role: string }>(
      `select outcome, role, entities, query from audit where event = 'dicomweb:delete' and entities[1] = $1 order by seq`,
      [`studies/${study}/series/${second}`],
    );
    expect(trail.map(({ outcome, role }) => [outcome, role])).toEqual([['refused', 'pharmacist'], ['success', 'doctor']]); // prettier-ignore
    expect(trail[1]!.entities).toContain(`studies/${study}/series/${second}/instances/${c}`);
    expect(Buffer.from(trail[1]!.query, 'base64').toString()).toBe('reason=113038');
  });

  it('is named by Allow where it exists', async () => {
    const { study, first, a } = await readStudy();
    const allowed = async (path: string) => (await server.get(path, { method: 'PUT' })).headers.get('Allow');
    expect(await allowed(`/studies/${study}`)).toBe('GET, HEAD, POST, DELETE, OPTIONS');
    expect(await allowed(`/studies/${study}/series/${first}`)).toBe('GET, HEAD, DELETE, OPTIONS');
    expect(await allowed(`/studies/${study}/series/${first}/instances/${a}`)).toBe('GET, HEAD, DELETE, OPTIONS');
    expect((await server.get(`/studies/${study}/metadata`, { method: 'DELETE' })).status).toBe(405);
  });

  it('is done once when two ask at the same moment, and beside a store of the same study', async () => {
    const { study, first, second } = await readStudy();
    const more = imageFile({ study, series: second, instance: `${study}.9.4`, number: 4 });
    const [one, two, stowed] = await Promise.all([
      server.remove(`/studies/${study}/series/${first}`),
      server.remove(`/studies/${study}/series/${first}`),
      server.stow([more]),
    ]);
    expect([one.status, two.status].sort()).toEqual([204, 404]);
    expect(stowed.status).toBe(200);
    expect(await server.listed(study)).toEqual([`${study}.9.3`, `${study}.9.4`]);
    expect(await server.imagingStudy(study)).toMatchObject({ numberOfInstances: 2, numberOfSeries: 1 });
  });

  it('that fails half-way changes nothing', async () => {
    const { study, a, b, c } = await readStudy();
    const world = { ...server.world, studyFollowers: [() => Promise.reject(new Error('killed'))] };
    const asking = { principal: server.callers.get('admin')! };
    await expect(removePart(world, asking, { StudyInstanceUID: study }, '113001')).rejects.toThrow('killed');
    expect(await server.listed(study)).toEqual([a, b, c]);
    expect([await rows('instance', study), await rows('removed_instance', study)]).toEqual([3, 0]);
  });

  it('tells the followers of the study what went', async () => {
    const { study, first, a, b } = await readStudy();
    const heard: unknown[] = [];
    const world = {
      ...server.world,
      studyFollowers: [
        (_: unknown, { added, removed }: { added: readonly string[]; removed: readonly string[] }) =>
          Promise.resolve(void heard.push({ added, removed: removed.toSorted() })),
      ],
    };
    const part = { StudyInstanceUID: study, SeriesInstanceUID: first };
    await removePart(world, { principal: server.callers.get('admin')! }, part, '113001');
    expect(heard).toEqual([{ added: [], removed: [a, b] }]);
  });
});

describe('what was deleted', () => {
  it('is not taken again while it is kept, unless its time was over', async () => {
    const { study, files, a, b, c } = await readStudy();
    const [, , third] = files;
    await server.remove(`/studies/${study}/series/${study}.1`, 'all', '?reason=113001');
    expect(await server.stow(files)).toMatchObject({ status: 202, stored: [c], failed: [0x0124, 0x0124] });
    const again = await server.stow(files.slice(0, 1));
    expect(again).toMatchObject({ status: 409, failed: [0x0124] });
    expect(again.warning).toContain('113001 Rejected for Quality Reasons');
    await server.remove(`/studies/${study}/series/${study}.2`, 'all', '?reason=113039');
    expect(await server.stow([third!])).toMatchObject({ status: 200, stored: [c], warned: [] });
    expect(await server.listed(study)).toEqual([c]);
    expect(await server.imagingStudy(study)).toMatchObject({ status: 'available', numberOfInstances: 1 });
    expect([a, b]).not.toContain(c);
  });

  it('keeps its name from another study', async () => {
    const { study, a, first } = await readStudy();
    await server.remove(`/studies/${study}/series/${first}/instances/${a}`);
    const elsewhere = imageFile({ study: `${study}.5`, series: `${study}.5.1`, instance: a });
    expect(await server.stow([elsewhere])).toMatchObject({ status: 409, failed: [0x0111] });
  });

  it('comes back as it was, for an administrator who says why', async () => {
    const { study, first, a } = await readStudy();
    const before = await server.imagingStudy(study);
    const bytes = (await server.get(`/studies/${study}/series/${first}/instances/${a}`, { accept: '*/*' })).parts();
    await server.remove(`/studies/${study}`);
    const id = before.id!;
    for (const as of ['doctor', 'patient', 'pharmacist', 'deleter'])
      expect([as, (await server.restore(id, [reasonParameter], as)).status]).toEqual([as, 403]);
    expect((await server.restore(id, [])).status).toBe(400);
    const reply = await server.restore(id, [reasonParameter]);
    expect(reply.status).toBe(200);
    const after = JSON.parse(reply.text) as ImagingStudy;
    const bare = ({ meta: _meta, ...rest }: ImagingStudy) => rest;
    expect(bare(after)).toEqual(bare(before));
    const again = (await server.get(`/studies/${study}/series/${first}/instances/${a}`, { accept: '*/*' })).parts();
    expect(again[0]!.body).toEqual(bytes[0]!.body);
    expect((await server.restore(id, [reasonParameter])).status).toBe(404);
    const [row] = await server.database.sql.query<{ entities: string[]; query: string }>(
      `select entities, query from audit where event = 'fhir:restore' and outcome = 'success' and entities[1] = $1`,
      [`ImagingStudy/${id}`],
    );
    expect(row!.entities).toContain(`studies/${study}/series/${first}/instances/${a}`);
    expect(Buffer.from(row!.query, 'base64').toString()).toBe('reason=Deleted by mistake');
  });

  it('comes back in part by the names that are given', async () => {
    const { study, first, second, a, b } = await readStudy();
    await server.remove(`/studies/${study}`);
    const { id } = await server.imagingStudy(study);
    const part = (name: string, uid: string) => [reasonParameter, { name, valueString: uid }];
    expect((await server.restore(id!, part('instance', `urn:oid:${a}`))).status).toBe(200);
    expect(await server.listed(study)).toEqual([a]);
    expect((await server.restore(id!, part('series', first))).status).toBe(200);
    expect(await server.listed(study)).toEqual([a, b]);
    expect((await server.restore(id!, part('series', 'nonsense'))).status).toBe(400);
    expect((await server.restore(id!, part('instance', '1.2.3'))).status).toBe(404);
    expect((await server.restore('nobody', part('series', second))).status).toBe(404);
  });

  it('is gone for good after the retention time, row and bytes, and its name is free', async () => {
    const { study, files, first, a, b, c } = await readStudy();
    const { id } = await server.imagingStudy(study);
    const blobs = (await blobsOf(study)).map(({ blob }) => blob);
    await server.remove(`/studies/${study}/series/${first}`);
    await purgeRemoved(later(29));
    await sweepBlobs(later(29));
    for (const blob of blobs) expect(await server.world.blobs.size(blob)).toBeGreaterThan(0);
    expect(await rows('removed_instance', study)).toBe(2);

    expect(await purgeRemoved(later(31))).toBeGreaterThanOrEqual(2);
    expect(await rows('removed_instance', study)).toBe(0);
    await sweepBlobs(later(31));
    expect(await Promise.all(blobs.map((blob) => server.world.blobs.size(blob)))).toEqual(
      expect.arrayContaining([undefined, undefined, expect.any(Number)]),
    );
    expect(await server.listed(study)).toEqual([c]);
    expect((await server.restore(id!, [reasonParameter])).status).toBe(404);
    const [row] = await server.database.sql.query<{ entities: string[] }>(
      `select entities from audit where event = 'dicomweb:purge' and $1 = any(entities)`,
      [`studies/${study}`],
    );
    expect(row!.entities).toEqual(expect.arrayContaining([a, b].map((uid) => `studies/${study}/instances/${uid}`)));
    expect(await purgeRemoved(later(31))).toBe(0);
    expect(await server.stow(files.slice(0, 1))).toMatchObject({ status: 200, stored: [a] });
    const elsewhere = imageFile({ study: `${study}.5`, series: `${study}.5.1`, instance: b });
    expect((await server.stow([elsewhere])).status).toBe(200);
  });

  it('keeps its own time where that was over (113039), and its name for ever where it was not safe (113037)', async () => {
    const { study, files, first, second } = await readStudy();
    await server.remove(`/studies/${study}/series/${first}`, 'all', '?reason=113037');
    await server.remove(`/studies/${study}/series/${second}`, 'all', '?reason=113039');
    const { id } = await server.imagingStudy(study);
    await purgeRemoved(later(8));
    expect(await rows('removed_instance', study)).toBe(2);
    await purgeRemoved(later(31));
    expect([await rows('removed_instance', study), await rows('study', study)]).toEqual([0, 0]);
    const record = await server.world.read(({ records }) => records.read('ImagingStudy', id!, { kind: 'all' }));
    expect(record!.resource).toMatchObject({ status: 'cancelled', numberOfInstances: 0 });
    expect(await server.stow(files)).toMatchObject({ status: 202, stored: [`${study}.9.3`], failed: [0x0124, 0x0124] });
    expect(await server.imagingStudy(study)).toMatchObject({ id, status: 'available', numberOfInstances: 1 });
    const elsewhere = imageFile({ study: `${study}.5`, series: `${study}.5.1`, instance: `${study}.9.1` });
    expect(await server.stow([elsewhere])).toMatchObject({ failed: [0x0111] });
  });

  it('is purged once by two processes at the same moment', async () => {
    const { study } = await readStudy();
    await server.remove(`/studies/${study}`);
    const counts = await Promise.all([purgeRemoved(later(31)), purgeRemoved(later(31))]);
    expect(counts[0]! + counts[1]!).toBe(3);
  });

  it('lies in a table that has every stored column of the index', async () => {
    const columns = (table: string) =>
      server.database.sql.query<{ column_name: string; data_type: string }>(
        `select column_name, data_type from information_schema.columns
          where table_name = $1 and is_generated = 'NEVER' order by column_name`,
        [table],
      );
    expect(await columns('removed_instance')).toEqual(expect.arrayContaining(await columns('instance')));
  });
});
