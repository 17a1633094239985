/** Bodies of STOW-RS that bring metadata and bulk data apart (PS3.18 8.6.1.2.2, 10.5.1.1.2). */
import type { DicomJson } from '../core/dicom/json.ts';
import { isUid } from '../core/dicom/uid.ts';
import { Problem } from '../core/problem.ts';
import type { ReceivedBlob } from '../core/studies/blobs.ts';
import { beginningLength, composeInstance, type BulkPart } from '../core/studies/compose-instance.ts';
import type { InstanceName } from '../core/studies/outcome.ts';
import { own } from '../core/table.ts';
import type { World } from '../core/world.ts';
import { mediaType } from '../http/answer/media-type.ts';
import type { BodyPart } from '../http/request/multipart-related.ts';
import { readNativeXml } from './read-native-xml.ts';

export type MetadataForm = 'application/dicom+json' | 'application/dicom+xml';

/** A file that was put together, or why it cannot be. */
export type Composed = AsyncIterable<Uint8Array> | { refused: Problem; name?: InstanceName };

/** Of all metadata of a request: it is parsed in one go. Who brings more has images, which say it themselves. */
const mostMetadata = 4 << 20;
const mostInstances = 2_000;

/**
 * The instances of a request whose metadata comes in parts of this form. Bulk data goes to temporary files, which are there
 * until the last instance is put together.
 *
 * @throws Problem `structure` for metadata that is none, `too-long` past the limits.
 */
export async function* composedInstances(
  { blobs }: Pick<World, 'blobs'>,
  parts: AsyncIterable<BodyPart>,
  form: MetadataForm,
  limit: number,
): AsyncGenerator<Composed> {
  const received: ReceivedBlob[] = [];
  try {
    const metadata: Uint8Array[][] = [];
    const byLocation = new Map<string, BulkPart[]>();
    let left = mostMetadata;
    for await (const { headers, body } of parts) {
      const type = mediaType(headers.get('content-type') ?? form);
      if (type?.media === form || (form === 'application/dicom+json' && type?.media === 'application/json')) {
        const text = await collected(body, left);
        left -= text.reduce((sum, chunk) => sum + chunk.length, 0);
        metadata.push(text);
        continue;
      }
      const names = [headers.get('content-location'), cidOf(headers.get('content-id'))].filter(
        (one) => one !== undefined,
      );
      if (!type || names.length === 0)
        throw new Problem('structure', 'A part with bulk data has a Content-Type, and a Content-Location that a BulkDataURI names'); // prettier-ignore
      const beginning = new Beginning(body);
      const blob = await blobs.receive(beginning.bytes(), limit);
      received.push(blob);
      const part = bulkPart(blobs, blob, { media: type.media, beginning: beginning.first() }, type.parameters);
      for (const name of names) byLocation.set(located(name), [...(byLocation.get(located(name)) ?? []), part]);
    }
    const instances = metadata.flatMap((text) => parsed(Buffer.concat(text), form));
    if (instances.length > mostInstances)
      throw new Problem('too-long', `Metadata of ${mostInstances} instances at most`);
    const partsAt = (address: string) => byLocation.get(located(address)) ?? [];
    for (const attributes of instances) yield composed(attributes, partsAt);
  } finally {
    await Promise.all(received.map((blob) => blobs.discard(blob)));
  }
}

function composed(attributes: DicomJson, partsAt: (address: string) => readonly BulkPart[]): Composed {
  try {
    return composeInstance(attributes, partsAt);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const name = nameIn(attributes);
    return { refused: error, ...(name && { name }) };
  }
}

function nameIn(attributes: DicomJson): InstanceName | undefined {
  const uid = (tag: string) => {
    const value: unknown = own(attributes, tag)?.Value?.[0];
    return typeof value === 'string' && isUid(value) ? value : '';
  };
  const name = {
    StudyInstanceUID: uid('0020000D'),
    SeriesInstanceUID: uid('0020000E'),
    SOPInstanceUID: uid('00080018'),
    SOPClassUID: uid('00080016'),
  };
  return Object.values(name).every((one) => one !== '') ? name : undefined;
}

/** The first bytes of a part, kept while it passes. */
class Beginning {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    let left = beginningLength;
    for await (const chunk of this.#body) {
      if (left > 0) this.#chunks.push(Uint8Array.from(chunk.subarray(0, left)));
      left -= chunk.length;
      yield chunk;
    }
  }

  first(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#chunks));
  }
}

function bulkPart(
  blobs: World['blobs'],
  blob: ReceivedBlob,
  about: Pick<BulkPart, 'media' | 'beginning'>,
  parameters: ReadonlyMap<string, string>,
): BulkPart {
  const transferSyntax = parameters.get('transfer-syntax');
  const range = (offset: number, length: number) => ({
    length,
    chunks: () => blobs.openReceived(blob, { offset, length }),
  });
  return {
    ...about,
    ...(transferSyntax !== undefined && transferSyntax !== '*' && { transferSyntax }),
    ...range(0, blob.size),
    range,
  };
}

async function collected(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    limit -= chunk.length;
    if (limit < 0)
      throw new Problem(
        'too-long',
        `Metadata of one request is ${mostMetadata >> 20} MiB at most; send application/dicom`,
      );
    chunks.push(chunk);
  }
  return chunks;
}

/** A list of instances, or one by itself. */
function parsed(bytes: Buffer, form: MetadataForm): DicomJson[] {
  if (form === 'application/dicom+xml') return [readNativeXml(bytes.toString('utf8'))];
  let found: unknown;
  try {
    found = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Problem('structure', 'The metadata is no JSON', { cause: error });
  }
  const list: unknown[] = Array.isArray(found) ? found : [found];
  if (!list.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one)))
    throw new Problem('structure', 'The metadata is no list of instances (PS3.18 F.2)');
  return list as DicomJson[];
}

const nowhere = 'http://relative.invalid/';

/** Addresses are compared as a client would follow them from the same place. */
function located(address: string): string {
  return URL.parse(address.trim(), nowhere)?.href ?? address.trim();
}

/** `<name>` of a Content-ID as `cid:name` (RFC 2392). */
function cidOf(id: string | undefined): string | undefined {
  const name = id === undefined ? undefined : /^<(.+)>$/.exec(id.trim())?.[1];
  return name === undefined ? undefined : `cid:${name}`;
}
