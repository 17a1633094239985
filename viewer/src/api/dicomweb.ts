/** A thin DICOMweb client (PS3.18): the user's token goes with every request, frames included. */
import type { DicomDataset } from './dicom-json.ts';
import { RequestFailure } from './failure.ts';
import { jsonOf, type AuthorizedFetch } from './http.ts';
import { parameter, partsOf } from './multipart.ts';

export interface DicomWebClient {
  readonly base: string;
  /** QIDO-RS, studies; with the number of all matches. */
  studies(query: URLSearchParams, signal?: AbortSignal): Promise<{ matches: DicomDataset[]; total: number }>;
  /** QIDO-RS, series of a study. */
  series(study: string, signal?: AbortSignal): Promise<DicomDataset[]>;
  /** WADO-RS metadata of every instance of a study. */
  metadata(study: string, signal?: AbortSignal): Promise<DicomDataset[]>;
  /** WADO-RS metadata of one instance; a list of one. */
  instanceMetadata(instance: InstanceAddress, signal?: AbortSignal): Promise<DicomDataset[]>;
  /** One frame (counted from 1) as explicit little endian samples. */
  nativeFrame(instance: InstanceAddress, frame: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The instance's file as it is stored. Given up above 64 MB, which a page has no use for.
   * @throws RequestFailure `too-large`
   */
  file(instance: InstanceAddress, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** One frame drawn by the server with the image's own window. */
  rendered(instance: InstanceAddress, frame: number, signal?: AbortSignal): Promise<Blob>;
}

export interface InstanceAddress {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
}

const dicomJson = 'application/dicom+json';
const explicitLittleEndian = '1.2.840.10008.1.2.1';
const largestFile = 64 * 1024 * 1024;

export function dicomWebClient(send: AuthorizedFetch, base: string): DicomWebClient {
  // QIDO-RS and metadata answer 204 when there is nothing.
  const list = async (url: string, signal?: AbortSignal): Promise<DicomDataset[]> => {
    const response = await send(url, { headers: { Accept: dicomJson }, signal, timeout: 60_000 });
    return response.status === 204 ? [] : jsonOf<DicomDataset[]>(response);
  };

  return {
    base,
    async studies(query, signal) {
      const response = await send(`${base}/studies?${query}`, { headers: { Accept: dicomJson }, signal });
      const matches = response.status === 204 ? [] : await jsonOf<DicomDataset[]>(response);
      const total = Number(response.headers.get('x-total-count') ?? matches.length);
      return { matches, total: Number.isFinite(total) ? total : matches.length };
    },
    series: (study, signal) => list(`${base}/studies/${encodeURIComponent(study)}/series`, signal),
    metadata: (study, signal) => list(`${base}/studies/${encodeURIComponent(study)}/metadata`, signal),
    instanceMetadata: (instance, signal) => list(`${instanceUrl(base, instance)}/metadata`, signal),
    async nativeFrame(instance, frame, signal) {
      const response = await send(`${instanceUrl(base, instance)}/frames/${frame}`, {
        headers: {
          Accept: `multipart/related; type="application/octet-stream"; transfer-syntax=${explicitLittleEndian}`,
        },
        signal,
        timeout: 60_000,
      });
      const body = new Uint8Array(await response.arrayBuffer());
      const [part] = partsOf(response.headers.get('content-type') ?? '', body);
      const syntax = parameter(part?.headers['content-type'] ?? '', 'transfer-syntax');
      if (!part || (syntax !== undefined && syntax !== explicitLittleEndian)) throw new RequestFailure('server');
      return part.bytes;
    },
    async file(instance, signal) {
      const response = await send(instanceUrl(base, instance), {
        headers: { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
        signal,
        timeout: 60_000,
      });
      if (Number(response.headers.get('content-length') ?? 0) > largestFile) {
        await response.body?.cancel();
        throw new RequestFailure('too-large');
      }
      const body = new Uint8Array(await response.arrayBuffer());
      return firstPart(response.headers.get('content-type') ?? '', body);
    },
    async rendered(instance, frame, signal) {
      const url = `${instanceUrl(base, instance)}/frames/${frame}/rendered`;
      return (await send(url, { headers: { Accept: 'image/jpeg' }, signal, timeout: 60_000 })).blob();
    },
  };
}

function firstPart(contentType: string, body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    const [part] = partsOf(contentType, body);
    if (part) return part.bytes;
  } catch {
    // Not what its Content-Type says: the answer cannot be read.
  }
  throw new RequestFailure('server');
}

export function instanceUrl(base: string, instance: InstanceAddress): string {
  return [
    base,
    'studies',
    encodeURIComponent(instance.StudyInstanceUID),
    'series',
    encodeURIComponent(instance.SeriesInstanceUID),
    'instances',
    encodeURIComponent(instance.SOPInstanceUID),
  ].join('/');
}
