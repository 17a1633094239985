import type { Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import { searchOwn } from '../../../server/core/records/own-search.ts';
import { write } from '../../../server/core/records/write.ts';
import type { StoreOutcome } from '../../../server/core/studies/store-instance.ts';
import { systems } from '../../../server/core/vocabulary/systems.ts';
import { dicomwebServer, type DicomwebServer } from '../../dicomweb/server.ts';
import { imageFile, newUid, syntaxes, type ImageOptions } from '../../harness/dicom-file.ts';
import { caller } from '../../harness/records.ts';

let [holding, accepting]: DicomwebServer[] = [];
beforeAll(async () => {
  holding = await dicomwebServer();
  // The tests' own sender.
  accepting = await dicomwebServer({ settings: { correctedResends: 'accept', trustedSenders: ['csss'] } });
});
afterAll(async () => {
  await Promise.all([holding!.close(), accepting!.close()]);
});

const admin = caller('user/*.cruds', { role: 'admin', fhirUser: 'Practitioner/admin-1' });
const said = ({ instances }: StoreOutcome) =>
  instances.map((one) => (one.status === 'failed' ? one.reason : one.status));
let serial = 0;
let number: string;
beforeEach(() => (number = `R${process.pid}-${++serial}`));

const pixels = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
/** Each call with the same options is the same image. */
const imageOf = (study: string) => ({
  study,
  series: `${study}.1`,
  instance: `${study}.1.1`,
  patientId: number,
  pixels,
});

async function ownerOf({ world }: DicomwebServer, study: string): Promise<string> {
  return (await world.read(({ studies }) => studies.study(study)))!.patientId;
}

async function checksOf({ world }: DicomwebServer, study: string): Promise<(Task & { id: string })[]> {
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|identity-check`] },
    { parameter: 'identifier', values: [`${systems.studyUid}|urn:oid:${study}`] },
  ];
  return (await world.read((stores) => searchOwn(stores, 'Task', conditions, { count: 50 }))).found;
}

const code = (value: string) => ({ coding: [{ system: systems.reviewData, code: value }] });

async function decide({ world }: DicomwebServer, task: Task, decision: string): Promise<void> {
  const decided = {
    output: [{ type: code('decision'), valueCodeableConcept: code(decision) }],
    note: [{ text: 'The modality has told so.' }],
  };
  for (const changes of [{ status: 'in-progress' }, { status: 'completed', ...decided }]) {
    await world.transaction(async (stores) => {
      const standing = (await stores.records.lock('Task', task.id!))!.resource as Task;
      const resource = { ...standing, ...changes } as Task;
      await write({ world, stores, principal: admin }, { method: 'update', id: task.id!, resource });
    });
  }
}

async function shown(here: DicomwebServer, study: string) {
  return (await here.get(`/studies/${study}/metadata`)).json();
}

describe('an image that is sent again under its UID', () => {
  const again = async (changes: ImageOptions): Promise<string[]> => {
    const study = newUid();
    await holding!.store(imageFile(imageOf(study)));
    return said(await holding!.store(imageFile({ ...imageOf(study), ...changes })));
  };

  it('is known with the same values in other bytes', async () => {
    expect(await again({ transferSyntax: syntaxes.implicit })).toEqual(['known']);
    expect(await again({ transferSyntax: syntaxes.deflated })).toEqual(['known']);
  });

  it('waits with other attributes of patient or order', async () => {
    expect(await again({ patientId: `${number}-right` })).toEqual(['held']);
    expect(await again({ patientName: 'Right^Name' })).toEqual(['held']);
    expect(await again({ with: [['00100030', 'DA', '19710203']] })).toEqual(['held']);
    expect(await again({ with: [['00080050', 'SH', 'ACC-2']] })).toEqual(['held']);
    expect(await again({ with: [['00400275', 'SQ', [[['00401001', 'SH', 'RP-1']]]]] })).toEqual(['held']);
    expect(await again({ transferSyntax: syntaxes.deflated, patientName: 'Right^Name' })).toEqual(['held']);
  });

  it('is refused with other pixels, or another attribute of the image, whoever it says it is of', async () => {
    const others = pixels.with(300, 7);
    expect(await again({ pixels: others })).toEqual(['other-content']);
    expect(await again({ pixels: others, patientId: `${number}-right` })).toEqual(['other-content']);
    expect(await again({ with: [['00180015', 'CS', 'KNEE']], patientId: `${number}-right` })).toEqual([
      'other-content',
    ]);
    expect(await again({ number: 2, patientName: 'Right^Name' })).toEqual(['other-content']);
    expect(await again({ with: [['00280106', 'US', 3]], patientName: 'Right^Name' })).toEqual(['other-content']);
  });

  it('while it waits already is told so', async () => {
    const study = newUid();
    await holding!.store(imageFile(imageOf(study)));
    const right = imageFile({ ...imageOf(study), patientId: `${number}-right` });
    expect(said(await holding!.store(right))).toEqual(['held']);
    expect(said(await holding!.store(right))).toEqual(['held']);
    expect(said(await holding!.store(imageFile({ ...imageOf(study), patientId: `${number}-third` })))).toEqual(['other-content']); // prettier-ignore
    expect(await checksOf(holding!, study)).toHaveLength(1);
  });
});

describe('a correction that waits', () => {
  async function held(corrected: string[] = [`${number}-right`]) {
    const study = newUid();
    const images = corrected.map((patientId, i) => ({ ...imageOf(study), instance: `${study}.1.${i + 1}`, number: i + 1, patientId })); // prettier-ignore
    await holding!.store(...images.map((image) => imageFile({ ...image, patientId: number })));
    const before = await ownerOf(holding!, study);
    const sent = await holding!.store(...images.map((image) => imageFile(image)));
    expect(new Set(said(sent))).toEqual(new Set(['held']));
    const [task] = await checksOf(holding!, study);
    return { study, before, task: task!, images };
  }

  it('gives the study to the patient that it names when it is accepted; the stored bytes stay', async () => {
    const { study, before, task, images } = await held([`${number}-right`, `${number}-right`]);
    const stored = await holding!.database.sql.query(`select sop_uid, blob from instance where study_uid = $1`, [
      study,
    ]);
    await decide(holding!, task, 'accept');
    const owner = await ownerOf(holding!, study);
    expect(owner).not.toBe(before);
    for (const image of await shown(holding!, study)) expect(image['00100020']!.Value).toEqual([`${number}-right`]);
    expect(await holding!.database.sql.query(`select sop_uid, blob from instance where study_uid = $1`, [study])).toEqual(stored); // prettier-ignore
    // What is not right any more is asked about; what is, is known.
    expect(said(await holding!.store(imageFile({ study, patientId: number, number: 9 })))).toEqual(['held']);
    expect(said(await holding!.store(imageFile({ study, patientId: `${number}-right`, number: 10 })))).toEqual([
      'stored',
    ]);
    for (const image of images) expect(said(await holding!.store(imageFile(image)))).toEqual(['known']);
    expect(said(await holding!.store(imageFile({ ...images[0]!, patientId: `${number}-third` })))).toEqual(['held']);
    expect(said(await holding!.store(imageFile({ ...images[1]!, with: [['00080050', 'SH', 'ACC-3']] })))).toEqual(['held']); // prettier-ignore
  });

  it('asks nobody again when the same correction is sent once more', async () => {
    const study = newUid();
    await holding!.store(imageFile(imageOf(study)));
    const right = imageFile({ ...imageOf(study), patientId: `${number}-right`, with: [['00080050', 'SH', 'ACC-2']] });
    await holding!.store(right);
    await decide(holding!, (await checksOf(holding!, study))[0]!, 'accept');
    const version = (await shown(holding!, study))[0]!['04000561'];
    const { instances } = await holding!.store(right);
    expect(instances[0]).toMatchObject({ status: 'known', about: 'coercion' });
    expect((await shown(holding!, study))[0]!['04000561']).toEqual(version);
    expect((await checksOf(holding!, study)).map(({ status }) => status)).toEqual(['completed']);
  });

  it('leaves the study where it is when it is discarded', async () => {
    const { study, before, task } = await held();
    await decide(holding!, task, 'discard');
    expect(await ownerOf(holding!, study)).toBe(before);
    expect((await shown(holding!, study))[0]!['00100020']!.Value).toEqual([number]);
  });

  it('is not carried out where it names several patients', async () => {
    const { study, before, task } = await held([`${number}-one`, `${number}-two`]);
    await expect(decide(holding!, task, 'accept')).rejects.toMatchObject({ code: 'conflict' });
    expect(await ownerOf(holding!, study)).toBe(before);
  });
});

describe('a correction by a trusted sender, where the site accepts such', () => {
  it('is carried out at once: the study, its ImagingStudy and all answers are of the right patient', async () => {
    const study = newUid();
    await accepting!.store(imageFile(imageOf(study)));
    const wrong = await ownerOf(accepting!, study);
    const sent = await accepting!.store(imageFile({ ...imageOf(study), patientId: `${number}-right`, patientName: 'Right^Rita', with: [['00080050', 'SH', 'ACC-9']] })); // prettier-ignore
    expect(sent.instances[0]).toMatchObject({ status: 'known', about: 'coercion' });
    const owner = await ownerOf(accepting!, study);
    expect(owner).not.toBe(wrong);
    const row = (await accepting!.world.read(({ studies }) => studies.study(study)))!;
    const record = await accepting!.world.read(({ records }) => records.read('ImagingStudy', row.imagingStudyId, everything)); // prettier-ignore
    expect(record!.resource).toMatchObject({ subject: { reference: `Patient/${owner}` } });
    const [image] = await shown(accepting!, study);
    expect(image!['00100020']!.Value).toEqual([`${number}-right`]);
    expect(image!['00080050']!.Value).toEqual(['ACC-9']);
    expect(JSON.stringify(image!['04000561'])).toContain(number);
    const found = (await accepting!.get(`/studies?PatientID=${number}-right`)).json();
    expect(found.map((match) => match['0020000D']!.Value)).toEqual([[study]]);
    expect(await checksOf(accepting!, study)).toEqual([]);
  });

  it('waits when the same is sent by somebody else, or names no patient that is clear', async () => {
    const study = newUid();
    await accepting!.store(imageFile(imageOf(study)));
    const right = { ...imageOf(study), patientId: `${number}-right` };
    accepting!.callers.set('stranger', caller('system/*.cruds', { kind: 'client' }));
    const reply = await fetch(`${accepting!.base}/studies`, {
      method: 'POST',
      headers: {
        Authorization: 'Bearer stranger',
        'Content-Type': 'application/dicom',
        Accept: 'application/dicom+json',
      },
      body: Buffer.from(imageFile(right)),
    });
    expect(reply.status).toBe(202);
    const nobody = newUid();
    await accepting!.store(imageFile(imageOf(nobody)));
    expect(said(await accepting!.store(imageFile({ ...imageOf(nobody), with: [['00100020', 'LO', '']] })))).toEqual(['held']); // prettier-ignore
  });

  it('of a whole study moves it once, whatever comes at the same moment', async () => {
    const study = newUid();
    const images = Array.from({ length: 12 }, (_, i) => ({
      ...imageOf(study),
      instance: `${study}.1.${i}`,
      number: i,
    }));
    await accepting!.store(...images.map((image) => imageFile(image)));
    const sent = await Promise.all(images.map((image) => accepting!.store(imageFile({ ...image, patientId: `${number}-right` })))); // prettier-ignore
    expect(new Set(sent.flatMap(said))).toEqual(new Set(['known']));
    const moved = await accepting!.database.sql.query(`select 1 from audit where event = 'study:move' and $1 = any(entities)`, [`studies/${study}`]); // prettier-ignore
    expect(moved).toHaveLength(1);
  });
});
