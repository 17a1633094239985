import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { commandField } from '../../server/dimse/upper-layer/command-set.ts';
import { readIdentifier, writeIdentifier } from '../../server/dimse/identifier.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { imageFile, newUid, syntaxes } from '../harness/dicom-file.ts';
import { associated, partsOf, requests, talk, type Heard } from './clients.ts';
import { dimseServer, type DimseServer } from './server.ts';

const studyRoot = { find: '1.2.840.10008.5.1.4.1.2.2.1', move: '1.2.840.10008.5.1.4.1.2.2.2', get: '1.2.840.10008.5.1.4.1.2.2.3' } as const; // prettier-ignore
const patientRoot = { find: '1.2.840.10008.5.1.4.1.2.1.1', move: '1.2.840.10008.5.1.4.1.2.1.2', get: '1.2.840.10008.5.1.4.1.2.1.3' } as const; // prettier-ignore

let server: DimseServer;
/** Where images are moved to: another server of ours. */
let other: DimseServer;
const [jorg, indian, twin] = [newUid(), newUid(), newUid()];
const [series, instance] = [newUid(), newUid()];
const files = [
  imageFile({ study: jorg, series, instance, patientId: 'P-1', with: [['00080005', 'CS', 'ISO_IR 100'], ['00100010', 'PN', 'M\u00fcller^J\u00f6rg']] }),
  imageFile({ study: jorg, series, patientId: 'P-1', number: 2, transferSyntax: syntaxes.implicit, with: [['00080005', 'CS', 'ISO_IR 100'], ['00100010', 'PN', 'M\u00fcller^J\u00f6rg']] }),
  imageFile({ study: jorg, patientId: 'P-1', number: 3, modality: 'SR', transferSyntax: syntaxes.bigEndian, with: [['00080005', 'CS', 'ISO_IR 100'], ['00100010', 'PN', 'M\u00fcller^J\u00f6rg']] }),
  imageFile({ study: twin, patientId: 'P-1', with: [['00080005', 'CS', 'ISO_IR 100'], ['00100010', 'PN', 'M\u00fcller^J\u00f6rg'], ['00080020', 'DA', '20250101']] }),
  imageFile({ study: indian, patientId: 'P-2', with: [['00100010', 'PN', Buffer.from('குமார்^அருண்')]] }),
]; // prettier-ignore

beforeAll(async () => {
  server = await dimseServer();
  other = await dimseServer({ title: 'OTHER' });
  await server.register();
  await server.register({ title: 'OTHER', addresses: [], host: '127.0.0.1', port: other.port });
  await server.register({ title: 'NOWHERE', addresses: [], host: '127.0.0.1', port: 1 });
  await other.register({ title: 'CSSS', may: ['store'] });
  await server.store(...files);
});
afterAll(async () => {
  await other.close();
  await server.close();
});

const find = (elements: Record<string, unknown>) =>
  talk(server.port, [requests.CFindRequest.createStudyFindRequest(elements)]);
const matches = (heard: Heard[]) => heard.filter(({ status }) => status >= 0xff00).map(({ elements }) => elements!);
const uids = (heard: Heard[]) => matches(heard).map(({ StudyInstanceUID }) => StudyInstanceUID).sort(); // prettier-ignore

test.each<[string, Record<string, unknown>, string[]]>([
  ['a wildcard, whatever case and accents', { PatientName: 'muller*' }, [jorg, twin]],
  ['one letter that may be any', { PatientID: 'P-?' }, [jorg, twin, indian]],
  ['an open range of dates', { StudyDate: '20260101-' }, [jorg, indian]],
  ['a range of dates', { StudyDate: '20250101-20251231' }, [twin]],
  ['a list of UIDs', { StudyInstanceUID: `${jorg}\\${twin}` }, [jorg, twin]],
  ['a modality of its series', { ModalitiesInStudy: 'SR' }, [jorg]],
  ['nothing', {}, [jorg, twin, indian]],
  ['what nobody has', { PatientID: 'P-3' }, []],
])('studies are found by %s', async (_what, keys, expected) => {
  const heard = await find({ StudyInstanceUID: '', ...keys });
  expect(uids(heard)).toEqual([...expected].sort());
  expect(heard.at(-1)!.status).toBe(0);
});

/** Asks with bytes of ours, and gives the answers as they came. */
async function ask(sopClass: string, field: number, keys: DicomJson, more: object = {}, syntax: string = syntaxes.explicit) {
  const association = await associated(server.port, [{ abstractSyntax: sopClass, transferSyntaxes: [syntax] }]);
  const context = association.contexts.get(1)!;
  const terms = (keys['00080005']?.Value ?? []) as string[];
  await association.send(context, { AffectedSOPClassUID: sopClass, CommandField: field, MessageID: 5, Priority: 0, ...more }, writeIdentifier(keys, syntax, terms)); // prettier-ignore
  const answers: { status: number; bytes: Buffer; command: Record<string, unknown> }[] = [];
  for (;;) {
    const message = await association.next();
    if (typeof message !== 'object') throw new Error(`ended by ${message}`);
    const bytes = message.hasDataSet ? await association.wholeDataSet(1 << 20) : Buffer.alloc(0);
    answers.push({ status: message.command.Status!, bytes, command: message.command });
    if ((message.command.Status! & 0xff00) !== 0xff00) break;
  }
  await association.release();
  return answers;
} // prettier-ignore

const level = (name: string): DicomJson => ({ '00080052': { vr: 'CS', Value: [name] } });
const key = (tag: string, vr: string, ...values: (string | number)[]): DicomJson => ({
  [tag]: { vr, ...(values.length > 0 && { Value: values }) },
});

test.each<[string, string[], Buffer]>([
  ['the one that was asked for', ['ISO_IR 100'], Buffer.from('M\u00fcller^J\u00f6rg', 'latin1')],
  ['UTF-8 when it was asked for', ['ISO_IR 192'], Buffer.from('M\u00fcller^J\u00f6rg')],
  ['UTF-8 when nothing was asked for', [], Buffer.from('M\u00fcller^J\u00f6rg')],
])('the character set of an answer is %s', async (_what, terms, name) => {
  const asked = { ...level('STUDY'), ...key('0020000D', 'UI', jorg), ...key('00100010', 'PN'), ...(terms.length > 0 && key('00080005', 'CS', ...terms)) }; // prettier-ignore
  const [match] = await ask(studyRoot.find, commandField.find, asked);
  expect(match!.bytes.includes(name)).toBe(true);
  expect(match!.bytes.includes(terms[0] ?? 'ISO_IR 192')).toBe(true);
});

test('a name that the character set has not is answered in UTF-8', async () => {
  const asked = { ...level('STUDY'), ...key('0020000D', 'UI', indian), ...key('00100010', 'PN'), ...key('00080005', 'CS', 'ISO_IR 100') }; // prettier-ignore
  const [match] = await ask(studyRoot.find, commandField.find, asked);
  expect(match!.bytes.includes(Buffer.from('குமார்^அருண்'))).toBe(true);
  expect(match!.bytes.includes('ISO_IR 192')).toBe(true);
});

test('patients are told once each, with the number of what they have', async () => {
  const asked = { ...level('PATIENT'), ...key('00100020', 'LO'), ...key('00100010', 'PN'), ...key('00201200', 'IS'), ...key('00201204', 'IS') }; // prettier-ignore
  const answers = await ask(patientRoot.find, commandField.find, asked);
  const told = answers.slice(0, -1).map(({ bytes }) => readIdentifier(bytes, syntaxes.explicit).attributes);
  expect(told.map((one) => [one['00100020']!.Value, one['00201200']!.Value, one['00201204']!.Value])).toEqual([
    [['P-1'], [2], [4]],
    [['P-2'], [1], [1]],
  ]);
});

test.each([syntaxes.implicit, syntaxes.explicit, syntaxes.bigEndian])('series and instances are found in %s, with every key that was asked for', async (syntax) => {
  const inSeries = await ask(studyRoot.find, commandField.find, { ...level('SERIES'), ...key('0020000D', 'UI', jorg), ...key('00080060', 'CS'), ...key('0020000E', 'UI'), ...key('00180015', 'CS'), ...key('00201209', 'IS') }, {}, syntax);
  const told = inSeries.slice(0, -1).map(({ bytes }) => readIdentifier(bytes, syntax).attributes);
  expect(told.map((one) => [one['00080060']!.Value, one['00201209']!.Value]).sort()).toEqual([[['CT'], [2]], [['SR'], [1]]]);
  expect(told[0]!['00180015']).toEqual({ vr: 'CS', Value: ['CHEST'] });
  const images = await ask(studyRoot.find, commandField.find, { ...level('IMAGE'), ...key('0020000D', 'UI', jorg), ...key('0020000E', 'UI', series), ...key('00200013', 'IS', '2'), ...key('00280010', 'US'), ...key('00204000', 'LT') }, {}, syntax);
  expect(images.map(({ status }) => status)).toEqual([0xff00, 0]);
  expect(readIdentifier(images[0]!.bytes, syntax).attributes).toMatchObject({
    '00080052': { vr: 'CS', Value: ['IMAGE'] }, '00080054': { vr: 'AE', Value: ['CSSS'] }, '00280010': { vr: 'US', Value: [16] }, '00204000': { vr: 'LT' },
  });
}); // prettier-ignore

test.each<[string, DicomJson, number]>([
  ['without a level', key('0020000D', 'UI'), 0xa900],
  ['with a level that the model has not', level('PATIENT'), 0xa900],
  ['with a date that is none', { ...level('STUDY'), ...key('00080020', 'DA', 'yesterday') }, 0xa900],
])('a question %s is refused with the reason', async (_what, asked, status) => {
  const [answer] = await ask(studyRoot.find, commandField.find, asked);
  expect(answer).toMatchObject({ status, command: { ErrorComment: expect.stringMatching(/\w/) as string } });
});

test('a key that is not matched is passed over, and the answers say so', async () => {
  const asked = { ...level('STUDY'), ...key('0020000D', 'UI', jorg), ...key('00091001', 'LO', 'abc') };
  const answers = await ask(studyRoot.find, commandField.find, asked);
  expect(answers.map(({ status }) => status)).toEqual([0xff01, 0]);
});

test('a search that is cancelled ends', async () => {
  const many = Array.from({ length: 60 }, () => imageFile({ patientId: 'P-9', patientName: 'Many^Mia' }));
  await server.store(...many);
  const association = await associated(server.port, [{ abstractSyntax: studyRoot.find, transferSyntaxes: [syntaxes.explicit] }]); // prettier-ignore
  const context = association.contexts.get(1)!;
  const asked = writeIdentifier({ ...level('STUDY'), ...key('00100020', 'LO', 'P-9') }, syntaxes.explicit, []);
  await association.send(context, { AffectedSOPClassUID: studyRoot.find, CommandField: commandField.find, MessageID: 3, Priority: 0 }, asked); // prettier-ignore
  await association.send(context, { CommandField: commandField.cancel, MessageIDBeingRespondedTo: 3 });
  const heard: number[] = [];
  for (let last = 0xff00; last === 0xff00; heard.push(last)) {
    const message = await association.next();
    last = (message as { command: { Status: number } }).command.Status;
  }
  expect(heard.at(-1)).toBe(0xfe00);
  expect(heard.length).toBeLessThan(61);
  await association.release();
});

test('a client that nobody here wrote gets a study back on its own association', async () => {
  const received: { SOPInstanceUID?: string }[] = [];
  const heard = await talk(server.port, [requests.CGetRequest.createStudyGetRequest(jorg)], { received });
  expect(heard.at(-1)).toMatchObject({ status: 0, command: { NumberOfCompletedSuboperations: 3 } });
  expect(received.map(({ SOPInstanceUID }) => SOPInstanceUID)).toContain(instance);
  expect(received).toHaveLength(3);
});

test('a study that is moved arrives byte for byte as it is stored, whatever it is stored in', async () => {
  const heard = await talk(server.port, [requests.CMoveRequest.createStudyMoveRequest('OTHER', jorg)]);
  expect(heard.map(({ status }) => status)).toEqual([0xff00, 0xff00, 0]);
  expect(heard.at(-1)!.command).toMatchObject({ NumberOfCompletedSuboperations: 3, NumberOfFailedSuboperations: 0 });
  const arrived = await other.world.read(({ studies }) => studies.addresses({ StudyInstanceUID: jorg }, everything));
  const dataSets = await Promise.all(arrived.map(async ({ blob }) => partsOf(Buffer.from(await other.world.blobs.read(blob))).dataSet.toString('hex'))); // prettier-ignore
  expect(dataSets.sort()).toEqual(files.slice(0, 3).map((file) => partsOf(file).dataSet.toString('hex')).sort()); // prettier-ignore
});

test.each<[string, string, DicomJson, number, object]>([
  ['one image', 'OTHER', { ...level('IMAGE'), ...key('0020000D', 'UI', jorg), ...key('0020000E', 'UI', series), ...key('00080018', 'UI', instance) }, 0, { NumberOfCompletedSuboperations: 1 }],
  ['all of a patient', 'OTHER', { ...level('PATIENT'), ...key('00100020', 'LO', 'P-1') }, 0, { NumberOfCompletedSuboperations: 4 }],
  ['what is not there', 'OTHER', { ...level('STUDY'), ...key('0020000D', 'UI', '1.2.3') }, 0, { NumberOfCompletedSuboperations: 0 }],
  ['a study to a title that is not registered', 'NOBODY', { ...level('STUDY'), ...key('0020000D', 'UI', jorg) }, 0xa801, {}],
  ['a study to a title without an address', 'MODALITY', { ...level('STUDY'), ...key('0020000D', 'UI', jorg) }, 0xa801, {}],
  ['a study to who is not there', 'NOWHERE', { ...level('STUDY'), ...key('0020000D', 'UI', jorg) }, 0xa702, { NumberOfFailedSuboperations: 3 }],
  ['a series without its study', 'OTHER', { ...level('SERIES'), ...key('0020000E', 'UI', series) }, 0xa900, {}],
])('moving %s is answered as it went', async (_what, MoveDestination, asked, status, counts) => {
  const answers = await ask(patientRoot.move, commandField.move, asked, { MoveDestination });
  expect(answers.at(-1)).toMatchObject({ status, command: counts });
  if (status === 0xa702) expect(answers.at(-1)!.bytes.includes(instance)).toBe(true);
  expect(server.faults).toEqual([]);
}); // prettier-ignore

test('who takes Implicit VR only is given it, from whatever an image is stored in', async () => {
  const sopClass = '1.2.840.10008.5.1.4.1.1.2';
  const association = await associated(server.port, [
    { abstractSyntax: studyRoot.get, transferSyntaxes: [syntaxes.implicit] },
    { abstractSyntax: sopClass, transferSyntaxes: [syntaxes.implicit] },
  ], 'MODALITY', [{ sopClass, scu: false, scp: true }]); // prettier-ignore
  const context = association.contexts.get(1)!;
  const asked = writeIdentifier({ ...level('STUDY'), ...key('0020000D', 'UI', jorg) }, syntaxes.implicit, []);
  await association.send(context, { AffectedSOPClassUID: studyRoot.get, CommandField: commandField.get, MessageID: 1, Priority: 0 }, asked); // prettier-ignore
  const received: DicomJson[] = [];
  for (;;) {
    const message = await association.next();
    if (typeof message !== 'object' || message.command.Status === 0) break;
    if (message.command.CommandField !== commandField.store) continue;
    received.push(readIdentifier(await association.wholeDataSet(1 << 20), syntaxes.implicit).attributes);
    await association.send(message.context, { CommandField: commandField.store | commandField.response, MessageIDBeingRespondedTo: message.command.MessageID!, Status: 0 }); // prettier-ignore
  }
  await association.release();
  expect(received).toHaveLength(3);
  expect(received.map((one) => one['00100010']!.Value)).toEqual(Array(3).fill([{ Alphabetic: 'Müller^Jörg' }]));
  expect(received.every((one) => one['7FE00010'] !== undefined && one['00280010']!.Value![0] === 16)).toBe(true);
});

test('what was found and given out is in the audit trail with who asked', async () => {
  const rows = await server.database.sql.query<{ event: string; client_id: string }>(
    `select distinct event, client_id from audit where event like 'dimse:%' order by event`,
  );
  expect(rows.filter(({ client_id }) => client_id === 'ae:MODALITY').map(({ event }) => event)).toEqual([
    'dimse:association',
    'dimse:find',
    'dimse:get',
    'dimse:move',
  ]);
});
