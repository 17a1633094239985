import { everything } from '../core/access/narrowing.ts';
import { canBeEncoded, isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { entityOf, locate } from '../core/studies/locate.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { Choice, Offer } from '../http/answer/negotiate.ts';
import { notModified } from '../http/answer/conditional.ts';
import { correctedFile } from './coerced-file.ts';
import { accepted, asking, contentTag, partOf, send, type Exchange } from './exchange.ts';
import { foreignPreambles, withEmptyPreamble } from './preamble.ts';
import { multipart, type Part } from './write-multipart.ts';

type Form = 'multipart' | 'single';

const explicit = '1.2.840.10008.1.2.1';
const several: Offer<Form>[] = [{ name: 'multipart', media: 'multipart/related', part: 'application/dicom' }];
const one: Offer<Form>[] = [...several, { name: 'single', media: 'application/dicom' }];

/**
 * Instances of a study, a series, or one instance (PS3.18 10.4.1.1.1). `transfer-syntax=*` gives the stored
 * bytes; without a transfer syntax the standard's default holds, Explicit VR Little Endian, to which pixels
 * are decompressed where that is possible here (PS3.18 8.7.3.5.2); with one that frames can be encoded in, they are.
 */
export function retrieve(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const part = partOf(ctx);
    const choices = accepted(ctx, part.SOPInstanceUID === undefined ? several : one);
    const instances = await locate(world, asking(ctx), part, { event: 'dicomweb:retrieve' });
    const choice = choices.find((candidate) => instances.every((instance) => canGive(instance, candidate)));
    if (!choice)
      throw new Problem(
        'not-acceptable',
        'These instances are available with transfer-syntax=* only, or in the one that was asked for not at all',
      );
    ctx.set('Cache-Control', 'no-store');
    if (notModified(ctx, { etag: etagOf(instances, choice) })) return;
    const foreign = await foreignPreambles(world, instances);
    if (foreign.size > 0)
      ctx.set('Warning', `299 csss "The preamble of ${foreign.size} file(s) was not empty and is given out as zeros"`);
    const parts = instances.map((instance) => partFor(world, instance, choice, foreign.has(instance)));
    if (parts.length === 1) await measure(parts[0]!);
    if (choice.name === 'single') return send(ctx, parts[0]!.type, parts[0]!.body(), parts[0]!.length);
    const { type, length, chunks } = multipart('application/dicom', parts);
    return send(ctx, type, chunks, length);
  };
}

/** Weak, because each answer has a boundary of its own. */
function etagOf(instances: InstanceAddress[], { name, transferSyntax = explicit }: Choice): string {
  return `W/"${contentTag(instances)}-${name}-${transferSyntax === '*' ? 'stored' : transferSyntax}"`;
}

function canGive(instance: InstanceAddress, { transferSyntax = explicit }: Choice): boolean {
  if (transferSyntax === '*' || transferSyntax === instance.TransferSyntaxUID) return true;
  if (transferSyntax === explicit) return isDecoded(instance.TransferSyntaxUID);
  return canBeEncoded(instance.TransferSyntaxUID, transferSyntax);
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
