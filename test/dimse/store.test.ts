import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { settleOverdue } from '../../server/core/studies/settle-owed.ts';
import { storeInstances, receiveInstance } from '../../server/core/studies/store-instance.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { dicomFile, imageElements, imageFile, newUid, syntaxes, type ImageOptions } from '../harness/dicom-file.ts';
import { associated, Dataset, partsOf, requests, sendFiles, talk } from './clients.ts';
import { dimseServer, type DimseServer } from './server.ts';

let server: DimseServer;

beforeAll(async () => {
  server = await dimseServer({ instanceLimit: 1 << 20, privateClasses: new Set(['1.3.12.2.1107.5.9.1']) });
  await server.register();
  await server.register({ title: 'READER', may: ['echo', 'find', 'get'] });
});
afterAll(() => server.close());

async function addressesOf(study: string) {
  return server.world.read(({ studies }) => studies.addresses({ StudyInstanceUID: study }, everything));
}

async function versionsOf(study: string): Promise<number> {
  const [row] = await server.database.sql.query<{ version: number }>(
    `select r.version from record r join study s on s.imaging_study_id = r.id where s.study_uid = $1 and r.type = 'ImagingStudy'`,
    [study],
  );
  return row!.version;
}

test('a client that nobody here wrote is answered to C-ECHO', async () => {
  expect(await talk(server.port, [new requests.CEchoRequest()])).toMatchObject([{ status: 0 }]);
});

test('a client that nobody here wrote stores a study, which is settled twice and not for each image', async () => {
  const [study, series] = [newUid(), newUid()];
  const sent = Array.from({ length: 6 }, (_, i) => {
    const file = imageFile({ study, series, number: i + 1 });
    const { dataSet, syntax } = partsOf(file);
    return new requests.CStoreRequest(new Dataset(dataSet, syntax));
  });
  const heard = await talk(server.port, sent);
  expect(heard.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(await addressesOf(study)).toHaveLength(6);
  expect(await server.world.read(({ studies }) => studies.study(study))).toMatchObject({ numberOfInstances: 6 });
  expect(await versionsOf(study)).toBe(2);
  expect(server.faults).toEqual([]);
});

const everySyntax: [string, string, ImageOptions][] = [
  ['implicit', syntaxes.implicit, {}],
  ['explicit', syntaxes.explicit, {}],
  ['deflated', syntaxes.deflated, {}],
  ['big endian', syntaxes.bigEndian, {}],
  ['JPEG 2000', syntaxes.jpeg2000, { pixels: { fragments: [Buffer.alloc(1000, 3)] } }],
  ['RLE', syntaxes.rle, { pixels: { fragments: [Buffer.alloc(64, 0)] } }],
  ['JPEG XL', '1.2.840.10008.1.2.4.110', { pixels: { fragments: [Buffer.alloc(64, 1)] } }],
  ['MPEG-4', '1.2.840.10008.1.2.4.102', { pixels: { fragments: [Buffer.alloc(64, 1)] } }],
];

test.each(everySyntax)('an image in %s is stored byte for byte as it came', async (_name, transferSyntax, options) => {
  const study = newUid();
  const file = imageFile({ ...options, study, transferSyntax });
  expect(await sendFiles(server.port, [file], { piece: 999 })).toEqual([0]);
  const [address] = await addressesOf(study);
  const stored = Buffer.from(await server.world.blobs.read(address!.blob));
  expect(partsOf(stored)).toEqual(partsOf(file));
  // The same again, by another way and with other meta information around it, is known by its bytes.
  expect(await sendFiles(server.port, [file])).toEqual([0]);
  expect(await addressesOf(study)).toHaveLength(1);
});

test('an image that came by another way, in a file that somebody else wrote, is there: the sender reads success', async () => {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const options: ImageOptions = { study, series, instance, pixels: new Uint8Array(512).fill(9) };
  const [first] = (
    await storeInstances(server.world, systemPrincipal('test'), [
      await receiveInstance(
        server.world,
        (async function* () {
          yield imageFile(options);
        })(),
      ),
    ])
  ).instances;
  expect(first!.status).toBe('stored');
  expect(await sendFiles(server.port, [imageFile(options)])).toEqual([0]);
  expect(await sendFiles(server.port, [imageFile({ ...options, transferSyntax: syntaxes.implicit })])).toEqual([0]);
  expect(await addressesOf(study)).toHaveLength(1);
});

const hidden = (sopClass: string) => imageFile({ with: [['00080016', 'UI', sopClass]] });

test.each<[string, Buffer, number | string, { as?: string; sopInstance?: string }?]>([
  ['an image without a study', imageFile({ without: ['0020000D'] }), 0xc001],
  ['an image that is named otherwise than it says', imageFile(), 0xc003, { sopInstance: '1.2.3' }],
  ['an image that is named by no UID', imageFile(), 0xc001, { sopInstance: 'ABC' }],
  ['an image that is too long', imageFile({ rows: 1024, columns: 1024 }), 0xa700],
  ['a private class that is not allowed', hidden('1.3.12.2.1107.5.9.2'), 'no context'],
  ['a private class that is allowed', hidden('1.3.12.2.1107.5.9.1'), 0],
  ['a class that is no storage', hidden('1.2.840.10008.5.1.1.1'), 'no context'],
  ['an image from who may not store', imageFile(), 'no context', { as: 'READER' }],
])('%s gets its status', async (_what, file, status, options = {}) => {
  expect(await sendFiles(server.port, [file], options)).toEqual([status]);
  // The association and the process go on.
  expect(await sendFiles(server.port, [imageFile()])).toEqual([0]);
  expect(server.faults).toEqual([]);
}); // prettier-ignore

test('an image with other content under a stored UID waits for a human, and its sender is told', async () => {
  const elements = imageElements({});
  const changed = elements.map((one) => (one[0] === '00100010' ? (['00100010', 'PN', 'Example^Erik'] as const) : one));
  expect(await sendFiles(server.port, [dicomFile(elements), dicomFile(changed)])).toEqual([0, 0xb0a3]);
});

test('what cannot be read is told as such, and the rest of the association is stored', async () => {
  const study = newUid();
  const cut = imageFile({ study }).subarray(0, -100);
  expect(await sendFiles(server.port, [imageFile({ study }), cut, imageFile({ study })])).toEqual([0, 0xc000, 0]);
  expect(await addressesOf(study)).toHaveLength(2);
});

test('what an association stores is in the audit trail: the first image of a study at once, the others as a number', async () => {
  const study = newUid();
  await sendFiles(
    server.port,
    Array.from({ length: 4 }, () => imageFile({ study })),
  );
  const rows = await server.database.sql.query(
    `select event, times, client_id, source_address from audit where entities @> $1 order by seq`,
    [[`studies/${study}`]],
  );
  const one = { event: 'dimse:store', client_id: 'ae:MODALITY', source_address: '127.0.0.1' };
  expect(rows).toMatchObject([one, { ...one, times: 3 }]);
});

test('of the syntaxes of a context the first is taken that can be stored, and Implicit VR only if there is no other', async () => {
  const abstractSyntax = '1.2.840.10008.5.1.4.1.1.2';
  const { implicit, explicit, jpeg2000 } = syntaxes;
  const association = await associated(server.port, [
    { abstractSyntax, transferSyntaxes: [implicit, '1.2.3.4', jpeg2000, explicit] },
    { abstractSyntax, transferSyntaxes: [implicit] },
    { abstractSyntax, transferSyntaxes: ['1.2.3.4'] },
  ]);
  expect([...association.contexts.values()].map(({ id, transferSyntax }) => [id, transferSyntax])).toEqual([
    [1, jpeg2000],
    [3, implicit],
  ]);
  await association.release();
});

test.each<[string, Parameters<DimseServer['register']>[0], RegExp, { as?: string; to?: string }?]>([
  ['a title that is not registered', { title: 'ONE' }, /"reason":3/, { as: 'NOBODY' }],
  ['a title of ours that is none', { title: 'TWO' }, /"reason":7/, { as: 'TWO', to: 'OTHER' }],
  ['a title that is out of service', { title: 'THREE', disabled: true }, /"reason":3/, { as: 'THREE' }],
  ['a caller from another address', { title: 'FOUR', addresses: ['10.0.0.0/8'] }, /"reason":3/, { as: 'FOUR' }],
  ['a caller without the certificate that is asked for', { title: 'FIVE', fingerprint: 'ab'.repeat(32) }, /"reason":3/, { as: 'FIVE' }],
])('%s is refused', async (_what, draft, reason, options) => {
  await server.register(draft);
  await expect(talk(server.port, [new requests.CEchoRequest()], options)).rejects.toThrow(reason);
}); // prettier-ignore

test('what a process owed when it was ended is settled by house-keeping', async () => {
  const study = newUid();
  const store = async () => {
    const file = imageFile({ study });
    const arriving = await receiveInstance(server.world, (async function* () { yield file; })()); // prettier-ignore
    await storeInstances(server.world, systemPrincipal('test'), [arriving], { settle: 'owed' });
  };
  for (let i = 0; i < 3; i++) await store();
  expect(await server.world.read(({ studies }) => studies.study(study))).toMatchObject({ numberOfInstances: 1 });
  await settleOverdue(server.world);
  expect(await server.world.read(({ studies }) => studies.study(study))).toMatchObject({ numberOfInstances: 1 });
  await server.database.sql.query(`update unsettled_instance set stored_at = now() - interval '1 minute'`);
  expect(await settleOverdue(server.world)).toBe(1);
  expect(await server.world.read(({ studies }) => studies.study(study))).toMatchObject({ numberOfInstances: 3 });
  expect(await settleOverdue(server.world)).toBe(0);
});
