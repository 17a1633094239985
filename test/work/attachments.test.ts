import type { Binary, DocumentReference, Media } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedId } from '../../server/core/derived-id.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { taken } from '../harness/jobs.ts';
import { begin, callers, patient, place, recordsOf, reviews } from './rights-world.ts';
import { read, releasedReview } from './review-world.ts';

beforeAll(() => begin(['AI_ANALYZED', 'REPORT_READY']), 240_000);
afterAll(() => place.stop());

describe('the content of an attachment', () => {
  test('of a released report is not mailed when it is not what was released', async () => {
    const { delivery } = await releasedReview(place, 'somebody@example.org');
    const document = await read<DocumentReference>(place.world, 'DocumentReference', derivedId('report-document', delivery.id)); // prettier-ignore
    const { url } = document.content[0]!.attachment;
    await place.server.system.sql.query(
      `update record_version set content = replace(content, '"data":"JVBERi', '"data":"AVBERi')
        where rid = (select rid from record where type = 'Binary' and id = $1)`,
      [url!.split('/')[1]!],
    );
    const sent: unknown[] = [];
    const mailer = { ...place.world.mailer, send: async (mail: unknown) => void sent.push(mail) };
    const job = taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } });
    await expect(sendReport({ ...place.world, mailer }, job)).rejects.toMatchObject({ code: 'exception' });
    expect(sent).toEqual([]);
  });

  test('carries hash and size, and is not given out when it differs', async () => {
    const { world } = place;
    const media = (await recordsOf(reviews.get('AI_ANALYZED')!)).find(
      (one): one is Media => one.resourceType === 'Media',
    )!;
    const document = (await recordsOf(reviews.get('REPORT_READY')!)).find((one): one is DocumentReference => one.resourceType === 'DocumentReference')!; // prettier-ignore
    for (const { url, hash, size } of [media.content, document.content[0]!.attachment]) {
      expect(hash).toMatch(/^[A-Za-z0-9+/]{27}=$/);
      expect(size).toBeGreaterThan(100);
      const id = url!.split('/')[1]!;
      const as = callers.get('doctor')!;
      expect((await as.get(`/fhir/${url}`, { Accept: '*/*' })).status).toBe(200);
      // As a fault of the store, or somebody with access to it, would leave it.
      const bytes = await read<Binary>(world, 'Binary', id);
      const damaged = JSON.stringify({ ...bytes, data: Buffer.from('another report').toString('base64') });
      await place.server.system.sql.query(
        `update record_version set content = $2 where rid = (select rid from record where type = 'Binary' and id = $1)`,
        [id, damaged],
      );
      for (const ask of [
        as.get(`/fhir/${url}`, { Accept: '*/*' }),
        as.get(`/fhir/${url}`, { Accept: 'application/fhir+json' }),
        as.get(`/fhir/${url}/_history/1`, { Accept: 'application/fhir+json' }),
        as.get(`/fhir/Binary?_id=${id}`),
        as.get(`/fhir/${url}/_history`),
      ]) {
        const answer = await ask;
        const text = await answer.text();
        expect([answer.status, text]).toEqual([500, expect.stringContaining('differs from the hash')]);
        expect(text).not.toContain(Buffer.from('another report').toString('base64'));
      }
    }
    // Who puts a wrong hash beside a Binary does not make it unreadable.
    const own = await callers.get('doctor')!.send('POST', '/fhir/Binary', { resourceType: 'Binary', contentType: 'text/plain', data: 'aGVsbG8=', securityContext: patient }); // prettier-ignore
    const { id } = (await own.json()) as { id: string };
    const claim: DocumentReference = { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { url: `Binary/${id}`, hash: 'AAAA', size: 3 } }] }; // prettier-ignore
    expect((await callers.get('service')!.send('POST', '/fhir/DocumentReference', claim)).status).toBe(201);
    expect((await callers.get('doctor')!.get(`/fhir/Binary/${id}`, { Accept: '*/*' })).status).toBe(200);
  });
});
