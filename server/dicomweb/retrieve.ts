import { everything } from '../core/access/narrowing.ts';
import { entityOf, locate } from '../core/studies/locate.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import type { Choice, Offer } from '../http/answer/negotiate.ts';
import { notModified } from '../http/answer/conditional.ts';
import { correctedFile } from './coerced-file.ts';
import { accepted, reading, contentTag, partOf, send, type Exchange } from './exchange.ts';
import { chosen } from './choose-syntax.ts';
import { sendPortion } from './send-portion.ts';
import { sendZip } from './send-zip.ts';
import { foreignPreambles, withEmptyPreamble } from './preamble.ts';
import { multipart, type Part } from './write-multipart.ts';

type Form = 'multipart' | 'single' | 'zip';

const explicit = '1.2.840.10008.1.2.1';
export const several: Offer<Form>[] = [
  { name: 'multipart', media: 'multipart/related', part: 'application/dicom' },
  { name: 'zip', media: 'application/zip' },
];
export const one: Offer<Form>[] = [...several, { name: 'single', media: 'application/dicom' }];

/**
 * Instances of a study, a series, or one instance (PS3.18 10.4.1.1.1). `transfer-syntax=*` gives the stored
 * bytes; without a transfer syntax the standard's default holds, Explicit VR Little Endian, to which pixels
 * are decompressed where that is possible here (PS3.18 8.7.3.5.2); with one that frames can be encoded in, they are.
 * An instance of several that is not available so is
 * given as it is stored, or left out where another transfer syntax was asked for, and a warning says so.
 */
export function retrieve(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const part = partOf(ctx);
    const choices = accepted(ctx, part.SOPInstanceUID === undefined ? several : one);
    const instances = await locate(world, reading(ctx), part, { event: 'dicomweb:retrieve' });
    const { choice, given, words } = chosen(choices, instances);
    ctx.set('Cache-Control', 'no-store');
    if (
      notModified(ctx, {
        etag: etagOf(
          given.map(({ instance }) => instance),
          choice,
        ),
      })
    )
      return;
    const foreign = await foreignPreambles(world, given.map(({ instance }) => instance)); // prettier-ignore
    if (foreign.size > 0) words.push(`The preamble of ${foreign.size} file(s) was not empty and is given out as zeros`);
    if (words.length > 0) ctx.set('Warning', words.map((text) => `299 csss "${text}"`).join(', '));
    const lending = choice.name === 'zip' ? world : { ...world, blobs: { ...world.blobs, open: world.blobs.lend } };
    const parts = given.map(({ instance, transferSyntax }) =>
      partFor(lending, instance, transferSyntax === undefined ? {} : { transferSyntax }, foreign.has(instance)),
    );
    // A picture that turns out to be broken does not block the others: it comes as it is stored.
    if (choice.name === 'multipart' && choice.transferSyntax === undefined && given.length > 1)
      for (const [i, { instance }] of given.entries())
        if (parts[i]!.length === undefined && !instance.coerced)
          parts[i]!.instead = partFor(lending, instance, { transferSyntax: '*' }, foreign.has(instance));
    if (given.length < instances.length) ctx.status = 206;
    if (choice.name === 'zip') return sendZip(ctx, given.map(({ instance }) => instance), parts); // prettier-ignore
    if (parts.length === 1) await measure(parts[0]!);
    if (choice.name === 'single') return sendOne(ctx, world, given[0]!.instance, parts[0]!, foreign.size > 0);
    const { type, length, chunks } = multipart('application/dicom', parts);
    return send(ctx, type, chunks, length);
  };
}

/** One file; a part of it where it goes out as it is stored. */
async function sendOne(
  ctx: Exchange,
  world: World,
  instance: InstanceAddress,
  part: Part,
  isChanged: boolean,
): Promise<void> {
  // prettier-ignore
  const isStored = part.type.endsWith(instance.TransferSyntaxUID) && !instance.coerced && !isChanged;
  if (!isStored || part.length === undefined) {
    ctx.set('Accept-Ranges', 'none');
    return send(ctx, part.type, part.body(), part.length);
  }
  const { size: length, blob } = instance;
  await sendPortion(ctx, { type: part.type, length, open: (range) => world.blobs.lend(blob, range) });
}

/** Weak, because each answer has a boundary of its own. */
function etagOf(instances: InstanceAddress[], { name, transferSyntax = explicit }: Choice): string {
  return `W/"${contentTag(instances)}-${name}-${transferSyntax === '*' ? 'stored' : transferSyntax}"`;
}

/** A file whose length only making its beginning tells; those of a study are made one after another, when their turn comes. */
interface FilePart extends Part {
  prepare?(): Promise<{ length: number | undefined; chunks: AsyncIterable<Uint8Array> }>;
}

async function measure(part: FilePart): Promise<void> {
  const made = await part.prepare?.();
  if (!made) return;
  if (made.length !== undefined) part.length = made.length;
  part.body = () => made.chunks;
}

export function partFor(
  world: World,
  instance: InstanceAddress,
  { transferSyntax = explicit }: Partial<Pick<Choice, 'transferSyntax'>>,
  clear: boolean,
): FilePart {
  const cleared = (bytes: AsyncIterable<Uint8Array>) => (clear ? withEmptyPreamble(bytes) : bytes);
  const location = `${world.settings.dicomwebBaseUrl}/${entityOf(instance)}`;
  if (transferSyntax === '*' || transferSyntax === instance.TransferSyntaxUID) {
    const type = `application/dicom; transfer-syntax=${instance.TransferSyntaxUID}`;
    const { coerced } = instance;
    if (coerced) {
      const prepare = async () => {
        const { length, chunks } = await correctedFile(world, instance, coerced);
        return { length, chunks: cleared(chunks) };
      };
      return { type, location, prepare, body: () => whenMade(prepare) };
    }
    return { type, location, length: instance.size, body: () => cleared(world.blobs.open(instance.blob)) };
  }
  return {
    // What has no pixels has nothing to compress.
    type: `application/dicom; transfer-syntax=${instance.isImage ? transferSyntax : explicit}`,
    location,
    body: () => cleared(converted(world, instance, transferSyntax)),
  };
}

async function* whenMade(prepare: NonNullable<FilePart['prepare']>): AsyncGenerator<Uint8Array> {
  yield* (await prepare()).chunks;
}

/** Headers are read one after another, when their turn comes: those of a whole study may not fit into memory. */
async function* converted(world: World, address: InstanceAddress, syntax: string): AsyncGenerator<Uint8Array> {
  const instance = await world.read(({ studies }) => studies.instance(address, everything));
  if (!instance) throw new Error('an instance was removed while the study went out');
  const coercion = address.coerced ?? undefined;
  if (syntax === explicit) yield* world.pixels.explicit(instance, coercion);
  else yield* world.pixels.transcode(instance, syntax, coercion);
}
