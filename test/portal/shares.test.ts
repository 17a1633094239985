import type { AuditEvent, Patient } from '@medplum/fhirtypes';
import yauzl from 'yauzl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { completeStep, eventually, openStep } from '../harness/calls.ts';
import { goodPassword, openForm, screens } from '../harness/people.ts';
import { arrivedScan, crewOf, readingOf, releasedScan, releaseScan, type Crew, type Scan } from '../harness/released-scan.ts'; // prettier-ignore
import { startTestServer, type TestServer } from '../harness/server.ts';
import { Browser, signIn } from '../harness/sign-in.ts';

// Sharing by link and code, seen by patients, by whom they give it to, and by whoever tries to get in.

interface Made {
  id: string;
  url: string;
  code: string;
  endsAt: string;
}
interface Shared {
  id: string;
  state: string;
  recipient?: string;
  wrongCodes: number;
  openings: string[];
}

let server: TestServer;
let who: Crew;
let scan: Scan;
let patient: ReturnType<typeof screens>;

beforeAll(async () => {
  server = await startTestServer();
  who = await crewOf(server);
  scan = await releasedScan(who, 'SHARED-1');
  patient = screens(server, (await server.signIn('patient')).access_token);
});
afterAll(() => server.stop());

async function share(more: object = {}): Promise<Made & { path: string }> {
  const made = await patient<Made>('POST', '/portal/me/shares', { review: scan.review, days: 7, ...more });
  expect(made.status, made.message).toBe(201);
  return { ...made.body, path: new URL(made.body.url).pathname };
}

async function mine(id: string): Promise<Shared> {
  const { body } = await patient<{ shares: Shared[] }>('GET', '/portal/me/shares');
  return body.shares.find((one) => one.id === id)!;
}

/** A browser that has typed the code. */
async function opened({ path, code }: { path: string; code: string }) {
  const browser = new Browser(server.url);
  const form = await openForm(server, path, browser);
  expect(form.status).toBe(200);
  const done = await form.submit({ code });
  expect(done.status, done.html).toBe(200);
  expect(done.html).toContain('data-testid="report"');
  return browser;
}

const pageOf = async (browser: Browser, path: string) => (await browser.request(path)).text();

test('who has link and code sees the report and the images as they are; the patient sees that it was opened', async () => {
  const made = await share({ recipient: 'Dr. Meera Pillai' });
  expect(made.code).toMatch(/^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$/);
  const before = await fetch(server.url + made.path);
  const asks = await before.text();
  expect(asks).toContain('name="code"');
  for (const secret of ['Rao', 'Chest', 'X-ray', 'Normal']) expect(asks).not.toContain(secret);
  expect(before.headers.get('x-robots-tag')).toBe('noindex, nofollow');
  expect(await mine(made.id)).toMatchObject({ state: 'open', recipient: 'Dr. Meera Pillai', openings: [] });

  const browser = await opened({ ...made, code: made.code.toLowerCase().replace('-', ' ') });
  const page = await pageOf(browser, made.path);
  expect(page).toContain('Chest X-ray, 12 March 2026');
  const pdf = await browser.request(`${made.path}/report`);
  expect(pdf.headers.get('content-type')).toBe('application/pdf');
  expect(
    Buffer.from(await pdf.arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');
  expect(await pageOf(browser, `${made.path}/images/1`)).toContain(`${made.path}/pictures/1/1`);
  const picture = await browser.request(`${made.path}/pictures/1/1`);
  expect(picture.headers.get('content-type')).toBe('image/jpeg');
  expect([...new Uint8Array(await picture.arrayBuffer()).subarray(0, 2)]).toEqual([0xff, 0xd8]);
  const zip = await browser.request(`${made.path}/dicom`);
  expect(zip.headers.get('content-disposition')).toBe('attachment; filename="images.zip"');
  const names = await filesIn(Buffer.from(await zip.arrayBuffer()));
  expect(names).toEqual([['images/000001.dcm', 'DICM']]);
  for (const there of ['images/2', 'images/0', 'pictures/1/2', 'pictures/2/1'])
    expect((await browser.request(`${made.path}/${there}`)).status, there).toBe(404);

  expect(await mine(made.id)).toMatchObject({ state: 'open', openings: [expect.any(String) as string] });
  const { body } = await patient<{ rows: { event: string; who: { client?: string; subject?: string } }[] }>(
    'GET',
    '/portal/me/accesses?limit=20',
  );
  const byLink = body.rows.filter(({ who: one }) => one.client === 'share-link').map(({ event }) => event);
  for (const event of ['share:open', 'share:look', 'fhir:read', 'dicomweb:retrieve']) expect(byLink).toContain(event);
  const events = await who.admin.search<AuditEvent>('AuditEvent?_count=50&_sort=-date');
  const opens = events.filter(({ subtype }) => subtype?.some(({ code }) => code === 'share:open'));
  expect(JSON.stringify(opens)).toContain('share-link');
});

test('nothing but this one review is reached: no other report, study, record or page of the server', async () => {
  const other = await releasedScan(who, 'NOT-SHARED');
  const made = await share();
  const browser = await opened(made);
  expect((await browser.request('/fhir/Patient/demo-patient-1')).status).toBe(401);
  expect((await browser.request(`/dicomweb/studies/${other.uid}`)).status).toBe(401);
  expect((await browser.request('/portal/me')).status).toBe(401);
  // The session of one link opens no other.
  const second = await share();
  const { html } = await openForm(server, made.path);
  const proof = /name="proof" value="([^"]+)"/.exec(html)![1]!;
  const posted = await fetch(server.url + made.path, { method: 'POST', body: new URLSearchParams({ proof, code: made.code }), redirect: 'manual' }); // prettier-ignore
  expect([posted.status, posted.headers.get('location')]).toEqual([303, made.path]);
  const [set] = posted.headers.getSetCookie();
  expect(set).toContain(`Path=${made.path}; Max-Age=3600; HttpOnly; SameSite=Lax`);
  const [cookie] = set!.split(';');
  const stolen = await fetch(`${server.url}${second.path}/report`, {
    headers: { Cookie: cookie! },
    redirect: 'manual',
  });
  expect(stolen.status).toBe(303);
  const forged = cookie!.replace(/=\d{13}/, `=${Date.now() + 9_000_000}`);
  const later = await fetch(`${server.url}${made.path}/report`, { headers: { Cookie: forged }, redirect: 'manual' });
  expect(later.status).toBe(303);
});

test('a guessed word, and one of ours that is over, taken back or blocked, get one and the same page', async () => {
  const over = await share();
  await server.system.sql.query(`update share set ends_at = now() - interval '1 second' where id = $1`, [over.id]);
  const back = await share();
  const browser = await opened(back);
  expect((await patient('DELETE', `/portal/me/shares/${back.id}`)).status).toBe(204);
  expect((await patient('DELETE', `/portal/me/shares/${back.id}`)).status).toBe(404);
  // At once, also for who is in already.
  expect((await browser.request(`${back.path}/report`)).status).toBe(404);
  const guess = `/shared/${'A'.repeat(43)}`;
  const pages = new Set<string>();
  for (const path of [over.path, back.path, guess, '/shared/x', '/shared/%00']) {
    const answer = await fetch(server.url + path);
    expect(answer.status, path).toBe(404);
    pages.add(await answer.text());
  }
  expect(pages.size).toBe(1);
  expect((await mine(over.id)).state).toBe('over');
  expect((await mine(back.id)).state).toBe('taken-back');
});

test('the fifth wrong code ends a link for good, the right one too, and the patient sees it', async () => {
  const made = await share();
  const form = await openForm(server, made.path);
  for (let at = 1; at <= 4; at++) {
    const wrong = await form.submit({ code: 'AAAA-AAAA' });
    expect(wrong.status).toBe(422);
    expect(wrong.html).toContain(`left: ${5 - at}`);
  }
  expect((await form.submit({ code: 'AAAA-AAAA' })).status).toBe(404);
  expect((await form.submit({ code: made.code })).status).toBe(404);
  expect(await mine(made.id)).toMatchObject({ state: 'wrong-codes', wrongCodes: 5 });
});

test('a hundred tries at the same moment are judged one after another: five, and no more', async () => {
  const made = await share();
  const { world } = server.system;
  const word = made.path.split('/').at(-1)!;
  const { tryCode } = await import('../../server/core/patient/open-share.ts');
  const tries = await Promise.all(
    Array.from({ length: 100 }, (_, at) =>
      tryCode(world, word, at === 50 ? made.code : 'BBBB-BBBB', { sourceAddress: `10.0.${at}.1` }),
    ),
  );
  expect(tries.filter(({ kind }) => kind === 'wrong')).toHaveLength(4);
  expect(tries.filter(({ kind }) => kind === 'right').length).toBeLessThanOrEqual(1);
  expect(await mine(made.id)).toMatchObject({ state: 'wrong-codes', wrongCodes: 5 });
  expect(await tryCode(world, word, made.code, {})).toEqual({ kind: 'over' });
});

test('a right code takes wrong ones back no more than time does', async () => {
  const made = await share();
  const { world } = server.system;
  const word = made.path.split('/').at(-1)!;
  const { tryCode } = await import('../../server/core/patient/open-share.ts');
  for (let at = 0; at < 3; at++) expect((await tryCode(world, word, 'CCCC-CCCC', {})).kind).toBe('wrong');
  expect((await tryCode(world, word, made.code, {})).kind).toBe('right');
  expect((await tryCode(world, word, 'CCCC-CCCC', {})).kind).toBe('wrong');
  expect((await tryCode(world, word, '', {})).kind).toBe('over');
});

test('a form from elsewhere is refused and costs no try', async () => {
  const made = await share();
  const body = new URLSearchParams({ code: made.code, proof: 'no' });
  const posted = await fetch(server.url + made.path, { method: 'POST', body, redirect: 'manual' });
  expect(posted.status).toBe(403);
  expect((await mine(made.id)).wrongCodes).toBe(0);
});

test('other patients, staff and other apps neither make, see nor end links of a patient', async () => {
  const made = await share();
  const doctor = screens(server, (await server.signIn('doctor')).access_token);
  expect((await doctor('POST', '/portal/me/shares', { review: scan.review, days: 7 })).status).toBe(403);
  await ensureAccount(server.system.world, server.system.passwords, {
    email: 'stranger@demo.csss.example', password: goodPassword, role: 'patient', displayName: 'Stranger', fhirUser: 'Patient/demo-patient-2',
  }); // prettier-ignore
  const { access_token } = await signIn(server.url, { email: 'stranger@demo.csss.example', password: goodPassword });
  const stranger = screens(server, access_token);
  const asked = await stranger('POST', '/portal/me/shares', { review: scan.review, days: 7 });
  expect(asked.status).toBe(404);
  expect((await stranger('DELETE', `/portal/me/shares/${made.id}`)).status).toBe(404);
  expect((await stranger<{ shares: Shared[] }>('GET', '/portal/me/shares')).body.shares).toEqual([]);
  expect((await mine(made.id)).state).toBe('open');
});

test('what cannot be shared is refused with the reason: no report yet, days that are none, too many links', async () => {
  const waiting = await arrivedScan(who, 'UNREAD-1');
  const early = await patient('POST', '/portal/me/shares', { review: waiting.review, days: 7 });
  expect([early.status, early.message]).toEqual([422, expect.stringContaining('no released report yet')]);
  for (const days of [0, 91, 1.5, '7'])
    expect((await patient('POST', '/portal/me/shares', { review: scan.review, days })).status).toBe(400);
  const { body } = await patient<{ shares: Shared[] }>('GET', '/portal/me/shares');
  for (const one of body.shares.filter(({ state }) => state === 'open'))
    await patient('DELETE', `/portal/me/shares/${one.id}`);
  const made = await Promise.all(
    Array.from({ length: 22 }, () => patient('POST', '/portal/me/shares', { review: scan.review, days: 1 })),
  );
  expect(made.filter(({ status }) => status === 201)).toHaveLength(20);
  for (const { id } of (await patient<{ shares: Shared[] }>('GET', '/portal/me/shares')).body.shares)
    await patient('DELETE', `/portal/me/shares/${id}`);
});

test('neither the word nor the code stands in the database', async () => {
  const made = await share();
  const word = made.path.split('/').at(-1)!;
  const rows = await server.system.sql.query<{ row: string }>(`select share::text as row from share`);
  const audit = await server.system.sql.query<{ row: string }>(`select audit::text as row from audit`);
  for (const { row } of [...rows, ...audit]) {
    expect(row).not.toContain(word);
    expect(row).not.toContain(made.code);
    expect(row).not.toContain(made.code.replace('-', ''));
  }
});

test('without consent to links all of them end, and making one is the consent again', async () => {
  const made = await share();
  const denied = await patient('PUT', '/portal/me/consents/share-by-link', { permitted: false });
  expect(denied.status).toBe(200);
  expect((await mine(made.id)).state).toBe('consent');
  expect((await fetch(server.url + made.path)).status).toBe(404);
  await share();
  const { body } = await patient<{ consents: { kind: string; permitted: boolean }[] }>('GET', '/portal/me/consents');
  expect(body.consents.find(({ kind }) => kind === 'share-by-link')).toMatchObject({ permitted: true });
});

test('a record that is restricted afterwards is not shown by links of before, and is again when that is lifted', async () => {
  const made = await share();
  const browser = await opened(made);
  const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
  const [record] = await who.admin.search<Patient>('Patient?_id=demo-patient-1');
  const { meta: _, ...bare } = record!;
  const write = (meta: Pick<Patient, 'meta'>) =>
    writeInTransaction(server.system.world, systemPrincipal('test'), { method: 'update', id: 'demo-patient-1', resource: { ...bare, ...meta } }); // prettier-ignore
  await write({ meta: { security: [label] } });
  expect((await browser.request(`${made.path}/report`)).status).toBe(404);
  expect((await mine(made.id)).state).toBe('resting');
  const knowing = await share();
  expect((await mine(knowing.id)).state).toBe('open');
  expect((await opened(knowing)) !== undefined).toBe(true);
  await write({});
  expect((await browser.request(`${made.path}/report`)).status).toBe(200);
});

test('a corrected report shows its present version; a withdrawn one says so and shows nothing', async () => {
  const made = await share();
  const browser = await opened(made);
  const first = Buffer.from(await (await browser.request(`${made.path}/report`)).arrayBuffer());
  const kind = [
    { name: 'kind', valueCode: 'addendum' },
    { name: 'reason', valueString: 'The neighbouring part was read later.' },
  ];
  const asked = await who.doctor.send('POST', `/fhir/Task/${scan.review}/$addendum`, { resourceType: 'Parameters', parameter: kind }); // prettier-ignore
  expect(asked.status).toBe(200);
  const step = await openStep(who.doctor, 'report-amendment', scan.studyId);
  expect((await completeStep(who.doctor, step, readingOf('No more than was said.').slice(0, 1))).status).toBe(200);
  await releaseScan(who, scan);
  await eventually(async () => (await pageOf(browser, made.path)).includes('corrected after its first release'), 'the new version'); // prettier-ignore
  const second = Buffer.from(await (await browser.request(`${made.path}/report`)).arrayBuffer());
  expect(second.equals(first)).toBe(false);

  const reason = {
    resourceType: 'Parameters',
    parameter: [{ name: 'reason', valueString: 'Read for another person.' }],
  };
  expect((await who.doctor.send('POST', `/fhir/Task/${scan.review}/$retract`, reason)).status).toBe(200);
  const gone = await browser.request(made.path);
  expect([gone.status, await gone.text()]).toEqual([410, expect.stringContaining('not valid any more')]);
  for (const part of ['report', 'images/1', 'pictures/1/1', 'dicom'])
    expect((await browser.request(`${made.path}/${part}`)).status, part).toBe(410);
  const { body } = await patient<{ scans: { review: string; state: string; study?: object; happened: object[] }[] }>('GET', '/portal/me/scans'); // prettier-ignore
  const withdrawn = body.scans.find(({ review }) => review === scan.review);
  expect(withdrawn).toMatchObject({ state: 'withdrawn', happened: [{ kind: 'released' }, { kind: 'withdrawn' }] });
  expect(withdrawn!.study).toBeUndefined();
});

test('a locked account ends its links for good', async () => {
  const again = await releasedScan(who, 'SHARED-2');
  const made = await share({ review: again.review });
  await opened(made);
  const [account] = await server.system.sql.query<{ id: string }>(`select id from account where email = 'patient@demo.csss.example'`); // prettier-ignore
  const { disableAccount, enableAccount } = await import('../../server/core/accounts/people/change-access.ts');
  const { inOneTransaction } = await import('../../server/core/records/write.ts');
  const by = { principal: systemPrincipal('test') };
  await inOneTransaction(server.system.world, by, (context) => disableAccount(context, account!.id, 'test'));
  expect((await fetch(server.url + made.path)).status).toBe(404);
  await inOneTransaction(server.system.world, by, (context) => enableAccount(context, account!.id));
  expect((await fetch(server.url + made.path)).status).toBe(404);
});

test('whoever asks without end from one network waits, and others do not', async () => {
  let refused = 0;
  for (let at = 0; at < 150 && refused === 0; at++) {
    const answer = await fetch(`${server.url}/shared/${'B'.repeat(43)}`);
    await answer.text();
    if (answer.status === 429) refused++;
  }
  expect(refused).toBe(1);
});

/** Names in the archive, and what stands where a DICOM file says what it is; read by a library. */
function filesIn(archive: Buffer): Promise<[name: string, mark: string][]> {
  return new Promise((done, fail) => {
    const files: [string, string][] = [];
    yauzl.fromBuffer(archive, { lazyEntries: true }, (error, zip) => {
      if (error) return fail(error);
      zip.on('entry', (entry: yauzl.Entry) =>
        zip.openReadStream(entry, (failure, stream) => {
          if (failure) return fail(failure);
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('end', () => {
            files.push([entry.fileName, Buffer.concat(chunks).subarray(128, 132).toString()]);
            zip.readEntry();
          });
        }),
      );
      zip.on('end', () => done(files));
      zip.on('error', fail);
      zip.readEntry();
    });
  });
}
