import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purgeRemoved } from '../../server/core/studies/purge-removed.ts';
import { receiveInstance, storeInstances } from '../../server/core/studies/store-instance.ts';
import type { Element } from '../harness/dicom-file.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { note, reasonParameter, removalWorld, studyOf, type RemovalWorld } from './removal-world.ts';

// IHE RAD TF, Imaging Object Change Management: Rejection Note Stored [RAD-66].
let server: RemovalWorld;
beforeAll(async () => {
  server = await removalWorld();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const ofRejection = 0xb0a0;
const refused = 0x0124;
const day = 24 * 3_600_000;
const later = (days: number) => ({ ...server.world, now: () => new Date(Date.now() + days * day) });

async function stored(options = {}) {
  const made = studyOf(options);
  expect((await server.stow(made.files)).status).toBe(200);
  return made;
}

describe('a rejection note', () => {
  it.each(['113001', '113037', '113038', '113039'])('%s hides what it names at once, while a review runs too', async (code) => {
    const { study, first, a, b, c } = await stored();
    const instance = newUid();
    const reply = await server.stow([note(code, { [study]: [a] }, { instance })]);
    expect(reply).toMatchObject({ status: 200, stored: [instance], failed: [], warned: [] });
    expect(await server.ways(study, first, a)).toEqual([404, 404, 404, 404, 404]);
    expect(await server.ways(study, first, b)).toEqual([200, 200, 200, 200, 200]);
    // The note itself is listed and given out as any object that is no image.
    expect((await server.listed(study)).sort()).toEqual([b, c, instance].sort());
    const record = await server.imagingStudy(study);
    expect(record).toMatchObject({ status: 'available', numberOfSeries: 3, numberOfInstances: 3 });
    expect(record.modality!.map((one) => one.code)).toEqual(['CT', 'KO']);
    const named = record.series!.flatMap((one) => one.instance!.map(({ uid }) => uid));
    expect(named.sort()).toEqual([b, c, instance].sort());
  }); // prettier-ignore

  it('is written down: who, whose, which, why', async () => {
    const { study, a } = await stored();
    await server.stow([note('113037', { [study]: [a] })]);
    const [row] = await server.database.sql.query<{ query: string; patients: string[]; entities: string[]; outcome: string }>(
      `select outcome, query, patients, entities from audit where event = 'dicomweb:reject' and $1 = any(entities)`,
      [`studies/${study}/instances/${a}`],
    ); // prettier-ignore
    expect(row!.outcome).toBe('success');
    expect(row!.patients).toHaveLength(1);
    expect(Buffer.from(row!.query, 'base64').toString()).toBe('reason=113037');
  });

  it('about several studies of one patient acts in all of them, wherever it lies itself', async () => {
    const patientId = `P-${newUid().slice(-8)}`;
    const one = await stored({ patientId });
    const two = await stored({ patientId });
    const reply = await server.stow([
      note('113001', { [one.study]: [one.a], [two.study]: [two.a, two.b] }, { study: newUid(), patientId }),
    ]);
    expect(reply).toMatchObject({ status: 200, warned: [] });
    expect(await server.listed(one.study)).toEqual([one.b, one.c]);
    expect(await server.listed(two.study)).toEqual([two.c]);
    expect((await server.imagingStudy(two.study)).numberOfInstances).toBe(1);
  });

  it('leaves the images of another patient alone, and says so', async () => {
    const mine = await stored({ patientId: `P-${newUid().slice(-8)}` });
    const patientId = `Q-${newUid().slice(-8)}`;
    const theirs = await stored({ patientId });
    const about = { [theirs.study]: [theirs.a], [mine.study]: [mine.a, mine.b] };
    const reply = await server.stow([note('113037', about, { study: theirs.study, patientId })]);
    expect(reply).toMatchObject({ status: 200, warned: [ofRejection] });
    expect(reply.warning).toContain("2 of the instances that it names are another patient's");
    expect(await server.listed(mine.study)).toEqual([mine.a, mine.b, mine.c]);
    expect(await server.listed(theirs.study)).not.toContain(theirs.a);
    expect(await server.stow(mine.files)).toMatchObject({ status: 200, failed: [] });
  });

  it('about an image of another patient that is yet to come does not touch it either', async () => {
    const other = studyOf({ patientId: `R-${newUid().slice(-8)}` });
    await server.stow([note('113037', { [other.study]: [other.a] }, { study: newUid(), patientId: `S-${newUid().slice(-8)}` })]); // prettier-ignore
    expect(await server.stow(other.files)).toMatchObject({ status: 200, warned: [] });
    expect(await server.listed(other.study)).toEqual([other.a, other.b, other.c]);
  });

  it('that comes before its images acts when they come', async () => {
    const { study, files, first, a, b, c } = studyOf();
    await server.stow([note('113037', { [study]: [a] }, { instance: `${study}.99` })]);
    await expect(server.coordination(study)).resolves.toBeUndefined(); // there is nothing to review
    const reply = await server.stow(files);
    expect(reply).toMatchObject({ status: 200, failed: [], warned: [ofRejection] });
    expect(reply.warning).toContain('113037 Rejected for Patient Safety Reasons');
    expect(await server.ways(study, first, a)).toEqual([404, 404, 404, 404, 404]);
    expect((await server.listed(study)).sort()).toEqual([b, c, `${study}.99`].sort());
    expect((await server.coordination(study)).businessStatus!.coding![0]!.code).toBe('AI_SKIPPED');
  });

  it('before the only image of another study leaves that study empty, without a review, until somebody brings it back', async () => {
    const { study, files, a } = studyOf();
    await server.stow([note('113037', { [study]: [a] }, { study: newUid() })]);
    await server.stow(files.slice(0, 1));
    expect((await server.get(`/studies?StudyInstanceUID=${study}`)).json()).toEqual([]);
    const { id, status } = await server.imagingStudy(study);
    expect(status).toBe('entered-in-error');
    await expect(server.coordination(study)).resolves.toBeUndefined();
    expect((await server.restore(id!, [reasonParameter])).status).toBe(404);
    expect((await server.restore(id!, [reasonParameter, { name: 'rejected', valueBoolean: true }])).status).toBe(200);
    expect(await server.listed(study)).toEqual([a]);
    expect((await server.coordination(study)).status).toBe('in-progress');
    expect((await server.imagingStudy(study)).status).toBe('available');
  });

  it('in one request with its images acts whatever comes first', async () => {
    for (const first of [true, false]) {
      const { study, files, a, b, c } = studyOf();
      const one = note('113001', { [study]: [b] }, { instance: `${study}.99` });
      const reply = await server.stow(first ? [one, ...files] : [...files, one]);
      expect(reply).toMatchObject({ status: 200, failed: [], warned: [ofRejection] });
      expect((await server.listed(study)).sort()).toEqual([a, c, `${study}.99`].sort());
    }
  });

  it.each(['113001', '113037', '113038'])('%s holds against a second sending, of the same bytes and of others, for ever', async (code) => {
    const { study, files, first, a, b, c } = await stored();
    await server.stow([note(code, { [study]: [a] }, { instance: `${study}.99` })]);
    const others = imageFile({ study, series: first, instance: a, rows: 8 });
    for (const file of [files[0]!, others]) expect(await server.stow([file])).toMatchObject({ status: 409, failed: [refused] });
    await purgeRemoved(later(31));
    for (const file of [files[0]!, others]) expect(await server.stow([file])).toMatchObject({ status: 409, failed: [refused] });
    const elsewhere = imageFile({ study: `${study}.5`, series: `${study}.5.1`, instance: a });
    expect(await server.stow([elsewhere])).toMatchObject({ status: 409, failed: [0x0111] });
    expect((await server.listed(study)).sort()).toEqual([b, c, `${study}.99`].sort());
  }); // prettier-ignore

  it('113039 lets them be stored again', async () => {
    const { study, files, a } = await stored();
    await server.stow([note('113039', { [study]: [a] })]);
    expect(await server.stow(files.slice(0, 1))).toMatchObject({ status: 200, stored: [a], warned: [] });
    expect(await server.listed(study)).toContain(a);
  });

  it('comes twice, or says it again of what is hidden already, without harm', async () => {
    const { study, files, a, b, c } = await stored();
    const one = note('113001', { [study]: [a] }, { instance: `${study}.98` });
    await server.stow([one]);
    const { numberOfInstances, meta } = await server.imagingStudy(study);
    expect(await server.stow([one])).toMatchObject({ status: 200, failed: [] });
    expect((await server.imagingStudy(study)).meta!.versionId).toBe(meta!.versionId);
    await server.stow([note('113037', { [study]: [a] }, { instance: `${study}.99` })]);
    expect((await server.imagingStudy(study)).numberOfInstances).toBe(numberOfInstances! + 1);
    expect((await server.stow(files.slice(0, 1))).warning).toContain('113037'); // what is not safe is said
    expect((await server.listed(study)).sort()).toEqual([b, c, `${study}.98`, `${study}.99`].sort());
  });

  it('and a DELETE of the same instance go together in either order', async () => {
    const { study, first, a, b } = await stored();
    await server.endReview(study);
    await server.remove(`/studies/${study}/series/${first}/instances/${a}`);
    expect(await server.stow([note('113037', { [study]: [a, b] })])).toMatchObject({ status: 200, warned: [] });
    expect((await server.remove(`/studies/${study}/series/${first}/instances/${b}`)).status).toBe(404);
  });

  it('is no image and no note about images that others reject', async () => {
    const { study, a, b } = await stored();
    const [one, two] = [`${study}.98`, `${study}.99`];
    await server.stow([note('113001', { [study]: [a, two, one] }, { instance: one })]); // names the next one, and itself
    const reply = await server.stow([note('113001', { [study]: [b, one] }, { instance: two })]);
    expect(reply).toMatchObject({ status: 200, warned: [ofRejection] });
    expect(reply.warning).toContain('1 of the instances that it names are rejection notes');
    expect(await server.listed(study)).toEqual(expect.arrayContaining([one, two]));
    expect((await server.get(`/studies/${study}/series/${study}.1/thumbnail`)).status).toBe(404);
  });

  it('tells the followers of a study what went, and nothing of itself', async () => {
    const { study, a, b } = await stored();
    const heard: unknown[] = [];
    const follow = (_: unknown, { added, removed }: { added: readonly string[]; removed: readonly string[] }) =>
      Promise.resolve(void heard.push({ added, removed }));
    const world = { ...server.world, studyFollowers: [follow] };
    const file = note('113001', { [study]: [a, b] });
    const arriving = await receiveInstance(world, Readable.from([file]));
    await storeInstances(world, server.callers.get('all')!, [arriving]);
    expect(heard).toEqual([{ added: [], removed: [a, b] }]);
  });

  it('that fails half-way hides nothing and is not stored', async () => {
    const { study, a, b, c } = await stored();
    const world = { ...server.world, studyFollowers: [() => Promise.reject(new Error('killed'))] };
    const file = note('113001', { [study]: [a] });
    const arriving = await receiveInstance(world, Readable.from([file]));
    const { instances } = await storeInstances(world, server.callers.get('all')!, [arriving]);
    expect(instances).toMatchObject([{ status: 'failed', reason: 'processing' }]);
    expect(await server.listed(study)).toEqual([a, b, c]);
    const [row] = await server.database.sql.query<{ n: number }>(
      `select count(*)::int as n from rejected_name where study_uid = $1`,
      [study],
    );
    expect(row!.n).toBe(0);
  });

  it('and its images at the same moment, many times over, leave none of them in sight', async () => {
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const { study, files, a, b, c } = studyOf({ patientId: `T-${i % 3}` });
        const own = { instance: `${study}.99`, patientId: `T-${i % 3}` };
        const [images, one] = await Promise.all([
          server.stow(files),
          server.stow([note('113037', { [study]: [a, b] }, own)]),
        ]);
        expect([images.status, one.status]).toEqual([200, 200]);
        expect((await server.listed(study)).sort()).toEqual([c, `${study}.99`].sort());
      }),
    );
  });
});

describe('who may reject', () => {
  it('is who may change studies; others are refused, and the note with them', async () => {
    const { study, a, b, c } = await stored();
    const one = note('113037', { [study]: [a] }, { study: newUid() });
    expect((await server.stow([one], 'patient')).status).toBe(403);
    expect(await server.stow([one], 'adder')).toMatchObject({ status: 409, failed: [refused] });
    expect(await server.listed(study)).toEqual([a, b, c]);
    expect(await server.stow([one], 'doctor')).toMatchObject({ status: 200 });
    expect(await server.listed(study)).toEqual([b, c]);
  });

  it('can be narrowed to clients by their names', async () => {
    const { study, a, b, c } = await stored();
    const settings = { ...server.world.settings, removal: { ...server.world.settings.removal, notesFrom: ['pacs'] } };
    const world = { ...server.world, settings };
    const send = async (clientId: string) => {
      const file = note('113001', { [study]: [a] }, { instance: `${study}.99` });
      const arriving = await receiveInstance(world, Readable.from([file]));
      return (await storeInstances(world, { ...server.callers.get('all')!, clientId }, [arriving])).instances[0]!
        .status;
    };
    expect(await send('test-app')).toBe('failed');
    expect(await server.listed(study)).toEqual([a, b, c]);
    expect(await send('pacs')).toBe('stored');
    expect(await server.listed(study)).not.toContain(a);
  });
});

describe('a note that wants harm', () => {
  it('is no rejection note under another title, scheme or class', async () => {
    const { study, a } = await stored();
    await server.stow([
      note('113000', { [study]: [a] }),
      note('113037', { [study]: [a] }, { scheme: '99OWN' }),
      note('__proto__', { [study]: [a] }),
      note('113037', { [study]: [a] }, { with: [['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.88.11']] }),
    ]);
    expect(await server.listed(study)).toContain(a);
  });

  it('without references, or with such as are no names, hides nothing and says so', async () => {
    const { study } = await stored();
    const odd: Element[][] = [
      [['0040A375', 'SQ', []]],
      [['0040A375', 'LO', 'text']],
      [['0040A375', 'SQ', [[['0020000D', 'UI', study]]]]],
      [['0040A375', 'SQ', [[['0020000D', 'UI', "'; drop table instance"], ['00081115', 'SQ', []]]]]],
      [['0040A375', 'SQ', [[['0020000D', 'UI', study], ['00081115', 'SQ', [[['00081199', 'SQ', [[['00081155', 'UI', 'x']]]]]]]]]]],
    ]; // prettier-ignore
    for (const elements of odd) {
      const reply = await server.stow([note('113037', {}, { study, with: elements })]);
      expect(reply).toMatchObject({ status: 200, warned: [ofRejection] });
      expect(reply.warning).toContain('names no instance');
    }
    expect(await server.listed(study)).toHaveLength(3 + odd.length);
  });

  it('with ten thousand references is done in a moment; with more than anybody means it is refused', async () => {
    const { study, a } = await stored();
    const many = (n: number) => [a, ...Array.from({ length: n - 1 }, (_, i) => `${study}.7.${i + 1}`)];
    const start = performance.now();
    expect(await server.stow([note('113037', { [study]: many(10_000) })])).toMatchObject({ status: 200, warned: [] });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(await server.listed(study)).not.toContain(a);
    const other = await stored();
    const reply = await server.stow([note('113037', { [other.study]: [other.a, ...many(20_001)] })]);
    expect(reply).toMatchObject({ status: 409, failed: [0xc002] });
    expect(reply.warning).toContain('20000 instances of 50 studies at most');
    expect(await server.listed(other.study)).toContain(other.a);
  });

  it('about more studies than one note or one request may lock is refused', async () => {
    const studies = (n: number) => Object.fromEntries(Array.from({ length: n }, () => [newUid(), ['1.2.3']]));
    expect(await server.stow([note('113037', studies(51))])).toMatchObject({ status: 409, failed: [0xc002] });
    const five = Array.from({ length: 5 }, () => note('113037', studies(50)));
    expect(await server.stow(five)).toMatchObject({ status: 202, failed: [0xa700] });
  });

  it('with sequences in each other without end is refused as any file', async () => {
    let deep: Element[] = [['00080100', 'SH', '113037']];
    for (let i = 0; i < 200; i++) deep = [['0040A375', 'SQ', [deep]]];
    const reply = await server.stow([note('113037', {}, { with: deep })]);
    expect([200, 409]).toContain(reply.status);
  });
});
