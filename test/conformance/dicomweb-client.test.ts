/** The npm package `dicomweb-client`, which OHIF and other viewers use, against the face over real HTTP. */
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomwebServer, type DicomwebServer } from '../dicomweb/server.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';

const require = createRequire(import.meta.url);
const { api } = require('dicomweb-client') as { api: { DICOMwebClient: new (options: object) => Client } };
type Call = (options?: object) => Promise<never>;
type Client = Record<
  | 'storeInstances' | 'searchForStudies' | 'searchForSeries' | 'searchForInstances' | 'retrieveStudyMetadata' | 'retrieveSeriesMetadata'
  | 'retrieveInstanceMetadata' | 'retrieveInstance' | 'retrieveSeries' | 'retrieveStudy' | 'retrieveInstanceFrames' | 'retrieveBulkData'
  | 'retrieveInstanceRendered' | 'retrieveInstanceThumbnail' | 'retrieveInstanceFramesRendered' | 'retrieveInstanceFramesThumbnail',
  Call
>; // prettier-ignore

const [study, series] = [newUid(), newUid()];
const instances = [newUid(), newUid()];
const pixels = Uint8Array.from({ length: 1024 }, (_, i) => (i * 13) & 0xff);
const files = instances.map((instance, i) => imageFile({ study, series, instance, number: i + 1, frames: 2, pixels }));
const studyInstanceUID = study;
const ofSeries = { studyInstanceUID, seriesInstanceUID: series };
const ofFirst = { ...ofSeries, sopInstanceUID: instances[0] };
const same = (given: ArrayBuffer, bytes: Uint8Array) => Buffer.from(given).equals(bytes);

let server: DicomwebServer;
let client: Client;

beforeAll(async () => {
  (globalThis as { XMLHttpRequest?: unknown }).XMLHttpRequest = require('xhr2');
  server = await dicomwebServer();
  client = new api.DICOMwebClient({ url: server.base, headers: { Authorization: 'Bearer all' } });
  await client.storeInstances({ datasets: files.map((file) => Uint8Array.from(file).buffer) });
});
afterAll(() => server.close());

describe('dicomweb-client', () => {
  it('finds studies, series and instances that it has stored', async () => {
    const studies: Record<string, { Value: unknown[] }>[] = await client.searchForStudies({
      queryParams: { PatientName: 'exam*', limit: 10, _dc: 1 },
    });
    expect(studies.map((match) => match['0020000D']!.Value[0])).toEqual([study]);
    expect(await client.searchForSeries({ studyInstanceUID, queryParams: { Modality: 'CT' } })).toHaveLength(1);
    expect(await client.searchForInstances(ofSeries)).toHaveLength(2);
    expect(await client.searchForStudies({ queryParams: { PatientID: 'nobody' } })).toEqual([]);
  });

  it('retrieves metadata at all levels', async () => {
    expect(await client.retrieveStudyMetadata({ studyInstanceUID })).toHaveLength(2);
    expect(await client.retrieveSeriesMetadata(ofSeries)).toHaveLength(2);
    expect(await client.retrieveInstanceMetadata(ofFirst)).toMatchObject([{ '00080018': { Value: [instances[0]] } }]);
  });

  it('retrieves instances, series and studies', async () => {
    expect(same(await client.retrieveInstance(ofFirst), files[0]!)).toBe(true);
    for (const given of [
      await client.retrieveSeries(ofSeries),
      await client.retrieveStudy({ studyInstanceUID }),
    ] as ArrayBuffer[][])
      expect(given.map((bytes, i) => same(bytes, files[i]!))).toEqual([true, true]);
  });

  it('retrieves frames', async () => {
    const given: ArrayBuffer[] = await client.retrieveInstanceFrames({ ...ofFirst, frameNumbers: [2, 1] });
    expect([same(given[0]!, pixels.subarray(512)), same(given[1]!, pixels.subarray(0, 512))]).toEqual([true, true]);
    for (const transferSyntaxUID of ['*', '1.2.840.10008.1.2.1']) {
      const mediaTypes = [{ mediaType: 'application/octet-stream', transferSyntaxUID }];
      expect(await client.retrieveInstanceFrames({ ...ofFirst, frameNumbers: [1], mediaTypes })).toHaveLength(1);
    }
    const several = [{ mediaType: 'image/jls', transferSyntaxUID: '1.2.840.10008.1.2.4.80' }, { mediaType: 'application/octet-stream', transferSyntaxUID: '*' }]; // prettier-ignore
    expect(await client.retrieveInstanceFrames({ ...ofFirst, frameNumbers: [1], mediaTypes: several })).toBeTruthy();
  });

  it('retrieves bulk data by the address in the metadata', async () => {
    const [metadata]: Record<string, { BulkDataURI: string }>[] = await client.retrieveInstanceMetadata(ofFirst);
    const [value]: ArrayBuffer[] = await client.retrieveBulkData({ BulkDataURI: metadata!['7FE00010']!.BulkDataURI });
    expect(same(value!, pixels)).toBe(true);
  });

  it('retrieves rendered images and thumbnails, with parameters that it encodes its own way', async () => {
    // The client gives a list, of one for an answer that is not multipart; without media types it may read a picture as text.
    const isJpeg = ([bytes]: ArrayBuffer[]) => expect(Buffer.from(bytes!).subarray(0, 2).toString('hex')).toBe('ffd8');
    const mediaTypes = [{ mediaType: 'image/jpeg' }];
    const queryParams = { viewport: '64,64', window: '100,200,linear', quality: 80 };
    isJpeg(await client.retrieveInstanceRendered({ ...ofFirst, mediaTypes }));
    isJpeg(await client.retrieveInstanceRendered({ ...ofFirst, mediaTypes, queryParams }));
    isJpeg(await client.retrieveInstanceThumbnail({ ...ofFirst, mediaTypes }));
    isJpeg(await client.retrieveInstanceFramesRendered({ ...ofFirst, frameNumbers: [2], mediaTypes }));
    isJpeg(await client.retrieveInstanceFramesThumbnail({ ...ofFirst, frameNumbers: [1], mediaTypes }));
  });

  it('is told by the status what it may not do', async () => {
    const stranger = new api.DICOMwebClient({ url: server.base, headers: { Authorization: 'Bearer nobody' } });
    await expect(stranger.searchForStudies()).rejects.toMatchObject({ status: 401 });
    await expect(client.retrieveStudyMetadata({ studyInstanceUID: newUid() })).rejects.toMatchObject({ status: 404 });
  });
});

it('caused no faults', () => expect(server.faults).toEqual([]));
