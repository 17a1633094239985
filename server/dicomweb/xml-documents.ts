import { setImmediate as immediate } from 'node:timers/promises';
import type { DicomJson } from '../core/dicom/json.ts';
import { nativeXmlPieces } from '../core/dicom/native-xml.ts';
import { multipartStream, type Multipart, type Part } from './write-multipart.ts';

export const xmlMedia = 'application/dicom+xml';
/** Characters that are made in one go. */
const piece = 1 << 18;

/** Data sets as one part each, in the Native DICOM Model (PS3.18 8.7.3.2, F.2); from DICOM JSON, or the text of it. */
export function xmlDocuments(dataSets: AsyncIterable<DicomJson | string>): Omit<Multipart, 'length'> {
  async function* parts(): AsyncGenerator<Part> {
    for await (const dataSet of dataSets) {
      const attributes = typeof dataSet === 'string' ? (JSON.parse(dataSet) as DicomJson) : dataSet;
      yield { type: xmlMedia, body: () => xmlBytes(attributes) };
    }
  }
  return multipartStream(xmlMedia, parts());
}

async function* xmlBytes(attributes: DicomJson): AsyncGenerator<Uint8Array> {
  let waiting = '';
  for (const text of nativeXmlPieces(attributes)) {
    waiting += text;
    if (waiting.length < piece) continue;
    yield Buffer.from(waiting);
    waiting = '';
    await immediate();
  }
  yield Buffer.from(waiting);
}
