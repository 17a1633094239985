import type { Observation } from '@medplum/fhirtypes';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseClock } from '../../server/infrastructure/postgres/clock.ts';
import { poolSql } from '../../server/infrastructure/postgres/connection.ts';
import { freshDatabase } from '../harness/database.ts';
import { backendToken } from '../harness/sign-in.ts';
import { caller, eventually } from '../harness/calls.ts';
import { createPatient, expectAllThereOnce, storeImage, type Load } from '../harness/load.ts';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { newUid } from '../harness/dicom-file.ts';
import { emptyCopy } from '../harness/database.ts';
import { backendKey, startServerProcess, temporaryFolder, type ServerProcess } from '../harness/server-process.ts';

const hour = 3_600_000;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let database: Awaited<ReturnType<typeof emptyCopy>>;
let key: Awaited<ReturnType<typeof backendKey>>;
let right: ServerProcess;
let ahead: ServerProcess;

beforeAll(async () => {
  folder = await temporaryFolder();
  database = await emptyCopy();
  key = await backendKey();
  const shift = join(folder.path, 'an-hour-ahead.mjs');
  await writeFile(
    shift,
    `const Real = Date;
     globalThis.Date = class extends Real {
       constructor(...given) { given.length === 0 ? super(Real.now() + ${hour}) : super(...given); }
       static now() { return Real.now() + ${hour}; }
     };`,
  );
  const environment = {
    DATABASE_URL: database.url,
    DATA_DIR: folder.path,
    ANALYZE_ON_ARRIVAL: 'true',
    STUDY_QUIET_SECONDS: '1',
  };
  right = await startServerProcess({ environment, key });
  ahead = await startServerProcess({
    environment: { ...environment, PUBLIC_URL: right.url },
    key,
    node: ['--import', shift],
  });
});
afterAll(async () => {
  await right?.end();
  await ahead?.end();
  await database.drop();
  await folder.remove();
});

test('a token of the one is taken or refused by the other as such, never a fault; work goes on at both', async () => {
  const { access_token } = await backendToken(
    right.url,
    { clientId: 'csss-demo-backend', key: key.private },
    'system/*.cruds',
  );
  const here = caller(right, access_token);
  const there = caller(ahead, access_token);
  expect((await there.get('/fhir/Patient')).status).toBe(401); // ended an hour ago, says its clock
  const load: Load = { patients: [], images: [] };
  for (let i = 0; i < 3; i++)
    expect([await createPatient(here, load), await storeImage(here, load)]).toEqual([201, 200]);
  await expectAllThereOnce(here, load);
  expect([(await right.readyz()).status, (await ahead.readyz()).status]).toEqual([200, 200]);
  expect(ahead.log().some(({ msg }) => String(msg).includes('clock differs'))).toBe(true);
});

test('leases and jobs go by the clock of the database: each image is analysed once, by whichever process', async () => {
  const who = await right.caller();
  const studies = [newUid(), newUid(), newUid(), newUid()];
  for (const studyUID of studies) {
    const film = await chestFilm('film-1.jpg', {
      patientId: `CLOCK-${studyUID.slice(-6)}`, patientName: 'Clock^Cleo', birthDate: '19850412', sex: 'F', studyUID, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
    }); // prettier-ignore
    expect((await who.store([film])).status).toBe(200);
  }
  const findings = (uid: string) =>
    who.search<Observation>(`Observation?part-of:ImagingStudy.identifier=urn:oid:${uid}`);
  for (const uid of studies) {
    await eventually(async () => (await findings(uid)).length > 0, 'the analysis', 40);
    const [finding, ...more] = await findings(uid);
    expect(more).toEqual([]);
    // Whichever process wrote it, its time is the right one.
    expect(Math.abs(Date.parse(finding!.issued ?? finding!.meta!.lastUpdated!) - Date.now())).toBeLessThan(10 * 60_000);
  }
});

test('the clock of the world is that of the database, whatever the machine says', async () => {
  const own = await freshDatabase();
  const real = Date.now;
  const skews: number[] = [];
  try {
    Date.now = () => real() + hour;
    const clock = await databaseClock(poolSql(own.dataSource), { everyMs: hour, onSkew: (ms) => skews.push(ms) });
    expect(Math.abs(clock.now().getTime() - real())).toBeLessThan(2_000);
    clock.close();
    expect(skews[0]! / hour).toBeCloseTo(1, 2);
  } finally {
    Date.now = real;
    await own.close();
  }
});
