import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

// What leaves the database is as much as the answer needs, however large the study is.
const images = 60;
const study = newUid();
const [series, instance] = [newUid(), newUid()];
let server: DicomwebServer;

beforeAll(async () => {
  server = await dicomwebServer();
  const patientId = 'MANY-IMAGES';
  const files = Array.from({ length: images }, (_, index) =>
    imageFile({ study, series, patientId, ...(index === 0 && { instance }) }),
  );
  const { instances } = await server.store(...files);
  expect(new Set(instances.map(({ status }) => status))).toEqual(new Set(['stored']));
});
afterAll(() => server.close());

interface Read {
  rows: number;
  /** Rows with attributes, bulk places and frames. */
  headers: number;
}

/** Counts the rows that the database gives while something is done, at the driver: whichever store asks. */
async function readBy(work: () => Promise<unknown>): Promise<Read> {
  const read: Read = { rows: 0, headers: 0 };
  const original = pg.Client.prototype.query;
  const count = (result: { rows?: Record<string, unknown>[] } | undefined): void => {
    read.rows += result?.rows?.length ?? 0;
    read.headers += result?.rows?.filter((row) => 'attributes' in row).length ?? 0;
  };
  pg.Client.prototype.query = function (this: pg.Client, ...asked: unknown[]): never {
    const done = asked.at(-1);
    if (typeof done === 'function') {
      const counted = (error: unknown, result: never): void => {
        count(result);
        done(error, result);
      };
      return Reflect.apply(original, this, [...asked.slice(0, -1), counted]) as never;
    }
    const result = Reflect.apply(original, this, asked) as Promise<never>;
    return result.then((found) => (count(found), found)) as never;
  } as typeof original;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = original;
  }
  return read;
}

const get = (path: string, accept: string) => async () => {
  const answer = await server.get(path, { accept });
  expect(answer.status).toBe(200);
};

describe('a study of many images', () => {
  it('gives a thumbnail for the header of one of them', async () => {
    expect(await readBy(get(`/studies/${study}/thumbnail`, 'image/jpeg'))).toEqual({ rows: 2, headers: 1 });
  });

  it('gives a frame, a picture and a value of one of them for its row alone', async () => {
    const one = `/studies/${study}/series/${series}/instances/${instance}`;
    const octets = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
    for (const [path, accept] of [
      [`${one}/frames/1`, octets],
      [`${one}/rendered`, 'image/jpeg'],
      [`${one}/bulkdata/7FE00010`, octets],
    ] as const)
      expect(await readBy(get(path, accept)), path).toEqual({ rows: 1, headers: 1 });
  });

  it('gives its stored files for their addresses, without one header', async () => {
    const stored = 'multipart/related; type="application/dicom"; transfer-syntax=*';
    expect(await readBy(get(`/studies/${study}`, stored))).toEqual({ rows: images, headers: 0 });
  });

  it('gives metadata for addresses and, a batch at a time, the text of the attributes', async () => {
    const read = await readBy(get(`/studies/${study}/metadata`, 'application/dicom+json'));
    expect(read).toEqual({ rows: 2 * images, headers: images });
  });
});
