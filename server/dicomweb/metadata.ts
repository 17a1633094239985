import { setImmediate as immediate } from 'node:timers/promises';
import { absoluteBulkText } from '../core/studies/bulk-address.ts';
import { entityOf, locate } from '../core/studies/locate.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';
import { notModified } from '../http/answer/conditional.ts';
import { xmlDocuments } from './xml-documents.ts';
import { accepted, reading, contentTag, partOf, send, sendText, type Exchange } from './exchange.ts';

export const metadataOffers = [
  { name: 'dicom-json', media: 'application/dicom+json' },
  { name: 'json', media: 'application/json' },
  { name: 'xml', media: 'multipart/related', part: 'application/dicom+xml' },
] as const;

/** Instances whose attributes are asked for together, and bytes of them as they are stored: some tenfold as text. */
const mostTogether = 64;
const heaviest = 1 << 20;
/** Characters that go out in one go. */
const piece = 1 << 20;

/** Metadata of a study, series or instance (PS3.18 10.4.1.1.2): all attributes, bulk values by their addresses. */
export function metadata(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const [choice] = accepted(ctx, metadataOffers);
    const purpose = { event: 'dicomweb:metadata', detail: 'metadata' };
    const instances = await locate(world, reading(ctx), partOf(ctx), purpose);
    ctx.set('Cache-Control', 'no-store');
    // Weak: the answer may be compressed on its way, or not.
    const form = choice!.name === 'xml' ? '-xml' : '';
    if (notModified(ctx, { etag: `W/"${contentTag(instances)}${form}"` })) return;
    if (choice!.name === 'xml') {
      const { type, chunks } = xmlDocuments(attributeTexts(world, instances));
      return send(ctx, type, chunks);
    }
    const type = choice!.name === 'json' ? 'application/json; charset=utf-8' : 'application/dicom+json';
    await sendText(ctx, type, jsonArray(world, instances));
  };
}

/** Passed on as the text that is stored, a few megabytes at a time, whatever the study holds. */
async function* jsonArray(world: World, instances: InstanceAddress[]): AsyncGenerator<Uint8Array> {
  let before = '[';
  for await (const text of attributeTexts(world, instances)) {
    yield* pieces(before + text);
    before = ',';
  }
  yield Buffer.from(']');
}

/** Attributes of one instance after the other as JSON text, with absolute addresses. */
async function* attributeTexts({ read, settings }: World, instances: InstanceAddress[]): AsyncGenerator<string> {
  const originals = instances.every(({ coerced }) => !coerced || coerced.original !== undefined);
  for (const batch of batches(instances)) {
    const uids = batch.map(({ SOPInstanceUID }) => SOPInstanceUID);
    const texts = await read(({ studies }) => studies.attributesOf(batch[0]!.StudyInstanceUID, uids, originals));
    // Removed since they were found: the caller is told before the first byte, or sees the answer end.
    if (texts.length < batch.length)
      throw new Problem('transient', 'Instances were removed in this moment; ask again', { retryAfter: 1 });
    for (const [index, text] of texts.entries())
      yield absoluteBulkText(text, `${settings.dicomwebBaseUrl}/${entityOf(batch[index]!)}`);
  }
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = Math.min(text.length, at + piece);
    if (/[\ud800-\udbff]/.test(text[end - 1]!)) end = Math.min(text.length, end + 1); // both halves of a letter
    if (at > 0) await immediate();
    yield Buffer.from(text.slice(at, end));
  }
}

function* batches(instances: InstanceAddress[]): Generator<InstanceAddress[]> {
  let batch: InstanceAddress[] = [];
  let weight = 0;
  for (const instance of instances) {
    if (batch.length >= mostTogether || (batch.length > 0 && weight + instance.weight > heaviest)) {
      yield batch;
      [batch, weight] = [[], 0];
    }
    batch.push(instance);
    weight += instance.weight;
  }
  yield batch;
}
