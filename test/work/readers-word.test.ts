import type { Binary, DiagnosticReport, DocumentReference, Observation, Provenance, Task } from '@medplum/fhirtypes';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { provenanceIdOf } from '../../server/core/workflow/signature.ts';
import {
  change,
  complete,
  conclusion,
  disagreement,
  discordanceConfirmed,
  noneNeeded,
  open,
  read,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';
import { agreeing, corrections, differing, note } from './corrections-world.ts';

// What the reader says and signs, on PostgreSQL, with the real model and printer.
let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());
const { named, status, report, request, issue, waiting, release, verified, prescribed } = corrections(() => place);

test('the conclusion is always the reader’s; concordance is computed; a difference needs its reason and a confirmed release', async () => {
  const { doctor } = place.people;
  const said = (words: Partial<Task>) => verified(words);
  await expect(said(note('Fine.'))).rejects.toMatchObject({ code: 'business-rule', expression: 'Task.output' });
  await expect(said({ ...note('x'), output: [conclusion('Sick')] })).rejects.toMatchObject({ code: 'code-invalid' });
  await expect(said({ ...note('x'), output: [conclusion('NIH_MERGED')] })).rejects.toMatchObject({
    code: 'code-invalid',
  });
  await expect(said({ ...note('x'), output: [conclusion('Lung_Opacity')] })).rejects.toMatchObject({
    code: 'business-rule',
    message: expect.stringContaining('disagreement') as unknown,
  });
  await expect(said({ ...note('x'), output: [conclusion('Lung_Opacity'), disagreement('\u200b')] })).rejects.toMatchObject({ code: 'business-rule' }); // prettier-ignore
  for (const text of ['Clear.\u0085', 'x'.repeat(20_001)])
    await expect(said({ ...note('x'), output: [{ ...conclusion('Sick'), valueCodeableConcept: { text } }] })).rejects.toMatchObject({ code: 'business-rule' }); // prettier-ignore
  // Normal, and in the same breath something else: the code alone does not make it agreement.
  const normal = conclusion('Normal');
  const concept = { ...normal.valueCodeableConcept, text: 'Right lower lobe pneumonia' };
  const contradictory = { ...normal, valueCodeableConcept: concept };
  await expect(said({ ...note('x'), output: [contradictory] })).rejects.toMatchObject({
    code: 'business-rule',
    message: expect.stringContaining('disagreement') as unknown,
  });
  const agree = {
    type: { coding: [{ system: systems.reviewData, code: 'concordance' }] },
    valueCodeableConcept: { coding: [{ system: systems.scanFinding, code: 'agree' }] },
  };
  await expect(said({ ...differing, output: [...differing.output, agree] })).rejects.toMatchObject({
    code: 'business-rule',
    message: expect.stringContaining('disagree') as unknown,
  });

  const review = await prescribed(differing);
  expect(await named<Observation>(review, 'concordance')).toMatchObject({
    valueCodeableConcept: { coding: [{ code: 'disagree' }] },
    note: [{ text: 'The opacity lies behind the heart.', authorReference: { reference: doctor.fhirUser } }],
  });
  const approval = await open(place.world, review, 'release-approval');
  await expect(complete(place.world, place.people.admin, approval)).rejects.toMatchObject({
    code: 'business-rule',
    message: expect.stringContaining('discordance-confirmed') as unknown,
  });
  await release(review, [discordanceConfirmed]);
  expect(await report(review)).toMatchObject({ status: 'final', conclusion: 'Right lower lobe pneumonia.' });
  const ai = await named<Observation>(review, 'ai-finding');
  expect(ai.valueCodeableConcept!.coding!.map(({ system }) => system)).toEqual([systems.scanFinding]);

  const step = await request(review, 'addendum', 'The earlier film was found.');
  await complete(place.world, doctor, step, note('Compared with the film of last year: new.'));
  await release(review, [discordanceConfirmed]);
  if (process.env['KEEP_PDF']) {
    const { content } = await named<DocumentReference>(review, 'document');
    const pdf = await read<Binary>(place.world, 'Binary', content[0]!.attachment.url!.split('/')[1]!);
    await writeFile(process.env['KEEP_PDF'], Buffer.from(pdf.data!, 'base64'));
  }
});

test('a text that differs from what was signed is not released and not printed; a fresh reading mends it', async () => {
  const review = await prescribed(agreeing);
  const forged = async (resource: DiagnosticReport | Observation) =>
    writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: resource.id!, resource });
  const true_ = await report(review);
  const approval = await open(place.world, review, 'release-approval');
  const refused = { code: 'conflict', message: expect.stringContaining('signature-mismatch') as unknown };
  await forged({ ...true_, conclusion: 'Something else.' });
  await expect(complete(place.world, place.people.admin, approval)).rejects.toMatchObject(refused);
  await forged(true_);
  const finding = await named<Observation>(review, 'clinical-finding');
  await forged({ ...finding, note: [{ text: 'Normal film!' }] });
  await expect(change(place.world, place.people.admin, approval, { status: 'completed' })).rejects.toMatchObject(
    refused,
  );
  await forged(finding);
  const ai = await named<Observation>(review, 'ai-finding');
  await forged({ ...ai, valueCodeableConcept: { coding: [{ system: systems.scanFinding, code: 'COVID' }] } });
  await expect(change(place.world, place.people.admin, approval, { status: 'completed' })).rejects.toMatchObject(
    refused,
  );
  await forged(ai);
  await change(place.world, place.people.admin, approval, { status: 'completed' });
  await forged({ ...finding, note: [{ text: 'Changed after the approval.' }] });
  const delivery = await waiting(review);
  await issue(delivery);
  expect(await read<Task>(place.world, 'Task', delivery.id)).toMatchObject({
    status: 'failed',
    statusReason: { coding: [{ code: 'signature-mismatch' }] },
  });
  expect(await status(review)).toBe('PHARMACIST_COMPLETED');
  const again = await open(place.world, review, 'release-approval');
  await change(place.world, place.people.admin, again, { status: 'rejected', statusReason: { text: 'Text and signature differ.' } }); // prettier-ignore
  await complete(place.world, place.people.doctor, await open(place.world, review, 'physician-verification'), agreeing);
  await complete(place.world, place.people.pharmacist, await open(place.world, review, 'pharmacist-review'), { ...note('None.'), output: [noneNeeded] }); // prettier-ignore
  await release(review);
  expect((await report(review)).status).toBe('final');
});

test('a signature taken from another step, or taken away, does not stand', async () => {
  const [review, other] = [await prescribed(agreeing), await prescribed(agreeing)];
  const verification = async (one: Opened) => (await steps(place.world, one.coordinationId))[1]!;
  const own = await read<Provenance>(place.world, 'Provenance', provenanceIdOf('verify', await verification(review)));
  expect(own.signature![0]).toMatchObject({
    type: [{ system: 'urn:iso-astm:E1762-95:2013', code: '1.2.840.10065.1.12.1.1' }],
    who: { reference: place.people.doctor.fhirUser },
    sigFormat: 'application/jose',
  });
  const theirs = await read<Provenance>(place.world, 'Provenance', provenanceIdOf('verify', await verification(other)));
  const put = (resource: Provenance) =>
    writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: own.id, resource });
  const approval = await open(place.world, review, 'release-approval');
  await change(place.world, place.people.admin, approval, { status: 'in-progress' });
  const { signature: _gone, ...bare } = own;
  for (const changed of [bare, { ...own, signature: theirs.signature! }]) {
    await put(changed as Provenance);
    await expect(change(place.world, place.people.admin, approval, { status: 'completed' })).rejects.toMatchObject({ code: 'conflict' }); // prettier-ignore
  }
  await put(own);
  await change(place.world, place.people.admin, approval, { status: 'completed' });
});
