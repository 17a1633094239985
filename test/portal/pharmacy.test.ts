import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// What a site keeps for its pharmacists: templates and the medication table, by the routes of their page.
let server: TestServer;
let admin: Caller;
let pharmacist: Caller;
let patient: Caller;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  const as = async (role: 'admin' | 'pharmacist' | 'patient') =>
    caller(server, (await server.signIn(role)).access_token);
  [admin, pharmacist, patient] = [await as('admin'), await as('pharmacist'), await as('patient')];
});
afterAll(() => server.stop());

interface Template {
  id: string;
  version: number;
  label: { en: string };
  notes: { en: string };
  changedBy?: string;
}
interface Row {
  id: string;
  version: number;
  kind: string;
  name?: string;
  one?: string;
  other?: string;
}
const json = { 'Content-Type': 'application/json' };
const send = (method: string, path: string, body: unknown, who = admin) => who.send(method, path, body, json);
const templates = async () =>
  (await pharmacist.json<{ templates: Template[]; language: string }>('/portal/prescription-templates')).templates;
const rows = async () => (await admin.json<{ rows: Row[] }>('/portal/medication-table')).rows;
const three = (text: string) => ({ en: text, ta: text, hi: text });
async function refusal(answer: Response): Promise<string> {
  const { issue } = (await answer.json()) as { issue: { diagnostics?: string; details?: { text?: string } }[] };
  return `${answer.status} ${issue[0]!.diagnostics ?? issue[0]!.details?.text ?? ''}`;
} // prettier-ignore
const statusOf = async (answer: Promise<Response>) => (await answer).status;

describe('templates', () => {
  const content = {
    label: three('Paracetamol'), medication: three('Paracetamol 500 mg tablets'), codes: [{ system: 'http://www.whocc.no/atc', code: 'N02BE01' }],
    dose: { amount: 1, unit: '{tablet}', frequency: 3, period: 1, periodUnit: 'd', durationValue: 5, durationUnit: 'd', route: '26643006' }, notes: three('Not more than eight a day.'),
  }; // prettier-ignore

  test('are five at first, in three languages, and are read by those who prescribe', async () => {
    const found = await templates();
    expect(found.map(({ id }) => id)).toEqual(['amoxicillin', 'azithromycin', 'salbutamol', 'prednisone', 'cetirizine']);
    expect(found.every(({ changedBy, version }) => changedBy === undefined && version === 1)).toBe(true);
    expect(await statusOf(patient.get('/portal/prescription-templates'))).toBe(403);
  });

  test('are written by administrators alone; every version stays, with who wrote it', async () => {
    expect(await statusOf(send('POST', '/portal/prescription-templates', content, pharmacist))).toBe(403);
    const made = (await (await send('POST', '/portal/prescription-templates', content)).json()) as Template;
    const changed = await send('PUT', `/portal/prescription-templates/${made.id}`, { ...content, notes: three('Six a day at most.'), version: 1 });
    expect([changed.status, ((await changed.json()) as Template).version]).toEqual([200, 2]);
    expect((await templates()).at(-1)).toMatchObject({ notes: { en: 'Six a day at most.' }, changedBy: expect.any(String) as string });
    expect(await statusOf(send('DELETE', `/portal/prescription-templates/${made.id}?version=2`, '{}'))).toBe(204);
    expect((await templates()).map(({ id }) => id)).not.toContain(made.id);
    const { versions } = await admin.json<{ versions: { version: number; content?: { notes: { en: string } }; by?: string }[] }>(`/portal/medication-entries/${made.id}/history`);
    expect(versions.map(({ version, content: said }) => [version, said?.notes.en])).toEqual([[3, undefined], [2, 'Six a day at most.'], [1, 'Not more than eight a day.']]);
    expect(versions.every(({ by }) => by !== undefined)).toBe(true);
  });

  test('that somebody else has changed meanwhile are not overwritten', async () => {
    const [first] = await templates();
    const put = (notes: string, version?: number) => send('PUT', `/portal/prescription-templates/${first!.id}`, { ...content, notes: three(notes), ...(version && { version }) });
    expect(await statusOf(put('One.', 1))).toBe(200);
    expect(await refusal(await put('Two.', 1))).toMatch(/^409 .*has changed this meanwhile/);
    expect(await refusal(await put('Two.'))).toMatch(/^409/);
    expect(await statusOf(send('DELETE', `/portal/prescription-templates/${first!.id}?version=1`, '{}'))).toBe(409);
    expect((await templates())[0]!.notes.en).toBe('One.');
    expect(await statusOf(send('PUT', '/portal/prescription-templates/no-such', { ...content, version: 1 }))).toBe(404);
    expect(await statusOf(send('DELETE', '/portal/medication-table/cetirizine?version=1', '{}'))).toBe(404); // no row of the table
  });

  test.each<[string, object]>([
    ['a language that is missing', { label: { en: 'A', ta: 'A' } }],
    ['blank text', { notes: three(' ') }],
    ['control characters', { medication: three('A\u0007') }],
    ['a unit that is no UCUM unit of the list', { dose: { ...content.dose, unit: 'spoon' } }],
    ['a name of every object', { dose: { ...content.dose, route: 'constructor' } }],
    ['a duration without its unit', { dose: { ...content.dose, durationUnit: undefined } }],
    ['no amount', { dose: { ...content.dose, amount: 0 } }],
    ['more than there is', { surprise: true }],
  ])('are refused with %s', async (_what, more) => {
    const before = await templates();
    expect(await statusOf(send('POST', '/portal/prescription-templates', { ...content, ...more }))).toBe(400);
    expect(await templates()).toEqual(before);
  });
}); // prettier-ignore

describe('the medication table', () => {
  const file = async () => (await admin.get('/portal/medication-table/csv')).text();
  const take = (csv: string, how: object = {}) => send('POST', '/portal/medication-table/csv', { csv, ...how });
  const head = 'kind,name,other,names,codes,groups,rules,severity,text';

  test('goes out as a file and comes in again as it was; nobody but administrators sees it whole', async () => {
    const before = await rows();
    expect(before.length).toBeGreaterThan(100);
    expect(await (await take(await file(), { replace: true })).json()).toEqual({ added: 0, changed: 0, removed: 0, unchanged: before.length });
    expect(await rows()).toEqual(before);
    expect(await statusOf(pharmacist.get('/portal/medication-table'))).toBe(403);
    expect(await statusOf(send('POST', '/portal/medication-table/csv', { csv: head }, pharmacist))).toBe(403);
  });

  test('that has a fault is refused with the line of each, and nothing is taken in', async () => {
    const before = await rows();
    const lines = [
      head,
      'medication,Aspirin plus,,"one; two",,No such group,,,',
      'interaction,Warfarin,Nobody,,,,,high,"Two lines,\nin one cell."',
      'interaction,Warfarin,Ibuprofen,,,,,dangerous,Text.',
      'medication,"=cmd()",,,,,,,',
      'spell,Warfarin,,,,,,,',
      'medication,New one,,,ATC,,,,',
      'group,New group,,warfarin,,,sometimes,,',
      'medication,New two,,,,,,,words',
      'medication,Twice,,,,,,,',
      'medication,twice,,,,,,,',
    ];
    const said = await refusal(await take(lines.join('\n')));
    expect(said).toMatch(/^400 Nothing was taken in/);
    expect(said.match(/Line \d+/g)).toEqual(['Line 3', 'Line 5', 'Line 6', 'Line 7', 'Line 8', 'Line 9', 'Line 10', 'Line 12']);
    const alone = await refusal(await take([head, lines[1], 'interaction,Warfarin,Nobody,,,,,high,Text.'].join('\n')));
    expect(alone.match(/Line \d+/g)).toEqual(['Line 2', 'Line 3']);
    for (const csv of ['', 'name,kind', `${head}\nmedication,"open`, `${head.replaceAll(',', ';')}\n`]) expect(await statusOf(take(csv))).toBe(400);
    // What the file removes may not be what the rest needs, and the other way round.
    expect(await refusal(await take(`${head}\ninteraction,Warfarin,Ibuprofen,,,,,high,Text.`, { replace: true }))).toMatch(/lists no medication/);
    expect(await rows()).toEqual(before);
  });

  test('is looked at first, then added to or replaced; what is removed keeps its history', async () => {
    const before = await rows();
    const csv = `\ufeff${head}\r\nmedication,Zorbaxil,,Zorba,http://example.org/codes|Z1,NSAIDs,,,\r\ninteraction,Zorbaxil,Digoxin,,,,,moderate,"Heart rate, mostly."\r\n`;
    expect(await (await take(csv, { check: true })).json()).toEqual({ added: 2, changed: 0, removed: 0, unchanged: 0 });
    expect(await rows()).toEqual(before);
    await take(csv);
    expect((await rows()).length).toBe(before.length + 2);
    const { medications } = await pharmacist.json<{ medications: { name: string; names: string[] }[] }>('/portal/medications');
    expect(medications.at(-1)).toEqual({ name: 'Zorbaxil', names: ['Zorba'] });
    const row = (await rows()).find(({ name }) => name === 'Zorbaxil')!;
    expect(await refusal(await send('DELETE', `/portal/medication-table/${row.id}?version=1`, '{}'))).toMatch(/^422 Other rows of the table name it/);
    const small = `${head}\ngroup,NSAIDs,,,,,,,\nmedication,Ibuprofen,,,,NSAIDs,,,\n`;
    expect(await (await take(small, { replace: true })).json()).toMatchObject({ added: 0, changed: 2, removed: before.length });
    expect(await rows()).toHaveLength(2);
    const { versions } = await admin.json<{ versions: object[] }>(`/portal/medication-entries/${row.id}/history`);
    expect(versions).toHaveLength(2);
  });

  test('takes rows one by one, and no name for two things', async () => {
    const add = (row: object) => send('POST', '/portal/medication-table', { row });
    const made = (await (await add({ kind: 'medication', name: 'Warfarin', groups: [] })).json()) as Row;
    expect(await refusal(await add({ kind: 'medication', name: 'warfarin' }))).toMatch(/^409/);
    expect(await refusal(await add({ kind: 'medication', name: 'Other', names: ['WARFARIN'] }))).toMatch(/A name means one thing/);
    expect(await refusal(await add({ kind: 'interaction', one: 'Warfarin', other: 'Nobody', severity: 'high', text: 'Text.' }))).toMatch(/lists no medication/);
    expect(await statusOf(add({ kind: 'interaction', one: 'Warfarin', other: 'NSAIDs', severity: 'high', text: 'Bleeding.' }))).toBe(201);
    expect(await refusal(await add({ kind: 'interaction', one: 'NSAIDs', other: 'Warfarin', severity: 'low', text: 'Again.' }))).toMatch(/^409/);
    const renamed = await send('PUT', `/portal/medication-table/${made.id}`, { row: { kind: 'medication', name: 'Warfarin sodium' }, version: 1 });
    expect(await refusal(renamed)).toMatch(/lists no medication and no group with the name “Warfarin”/);
    expect(await refusal(await send('PUT', `/portal/medication-table/${made.id}`, { row: { kind: 'group', name: 'Warfarin' }, version: 1 }))).toMatch(/^422/);
  });
}); // prettier-ignore

test('what is known of a patient is asked by pharmacists and doctors, of patients that they may see, and leaves a row in the trail', async () => {
  const ask = (body: object, who = pharmacist) => send('POST', '/portal/medication-check', body, who);
  expect(await statusOf(ask({ patient: 'demo-patient-1' }))).toBe(200);
  expect(await statusOf(ask({ patient: 'nobody' }))).toBe(404);
  expect(await statusOf(ask({ patient: 'demo-patient-1' }, patient))).toBe(403);
  expect(
    await statusOf(ask({ patient: 'demo-patient-1', medications: Array.from({ length: 21 }, () => ({ name: 'A' })) })),
  ).toBe(400);
  const [row] = await server.system.sql.query<{ patients: string[] }>(
    `select patients from audit where event = 'portal:medication-check' and outcome = 'success' order by seq desc limit 1`,
  );
  expect(row!.patients).toEqual(['demo-patient-1']);
});
