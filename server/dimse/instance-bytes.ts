/** What goes over the line of a stored instance: its data set in a transfer syntax that the other side takes. */
import { memorySource } from '../core/dicom/byte-source.ts';
import { isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { asImplicit } from '../core/dicom/implicit-little-endian.ts';
import { readFileMeta } from '../core/dicom/part10.ts';
import { Problem } from '../core/problem.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { Context } from './upper-layer/association.ts';
import type { InstanceFiles } from './conversation.ts';
import { explicitLittle, implicitLittle } from './sop-classes.ts';

/** Longer file meta information is none of ours and none that was received. */
const longestMeta = 1 << 20;
/** Where file meta information mostly has ended. */
const usualMeta = 4 << 10;

/** The context on which an instance goes out: as it is stored, else as what it can be turned into; undefined if there is none. */
export function contextFor(contexts: Iterable<Context>, instance: InstanceAddress): Context | undefined {
  const ofClass = [...contexts].filter(({ abstractSyntax }) => abstractSyntax === instance.SOPClassUID);
  const by = (syntax: string) => ofClass.find(({ transferSyntax }) => transferSyntax === syntax);
  const asStored = by(instance.TransferSyntaxUID);
  if (asStored || !isDecoded(instance.TransferSyntaxUID)) return asStored;
  return by(explicitLittle) ?? by(implicitLittle);
}

/** @throws what giving it out does: a file that is missing, pixels that cannot be decoded. */
export async function* dataSetFor(
  files: InstanceFiles,
  instance: InstanceAddress,
  { transferSyntax }: Pick<Context, 'transferSyntax'>,
): AsyncGenerator<Uint8Array> {
  const isAsStored = transferSyntax === instance.TransferSyntaxUID;
  const [file] = await files([instance], isAsStored ? '*' : explicitLittle);
  const dataSet = withoutMeta(file!());
  yield* isAsStored || transferSyntax === explicitLittle ? dataSet : asImplicit(dataSet);
}

/** A Part 10 file without its preamble and its file meta information (PS3.10 7.1). */
async function* withoutMeta(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let beginning: Uint8Array | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (beginning === undefined) {
      yield chunk;
      continue;
    }
    beginning = beginning.length === 0 ? chunk : Buffer.concat([beginning, chunk]);
    const at = beginning.length < usualMeta ? undefined : dataSetAt(beginning);
    if (at === undefined) continue;
    yield beginning.subarray(at);
    beginning = undefined;
  }
  if (beginning !== undefined) yield beginning.subarray(readFileMeta(memorySource(beginning)).dataSetAt);
}

/** Undefined when the meta information has not come whole. */
function dataSetAt(beginning: Uint8Array): number | undefined {
  try {
    const at = readFileMeta(memorySource(beginning)).dataSetAt;
    return at < beginning.length ? at : undefined;
  } catch (error) {
    if (error instanceof Problem && beginning.length < longestMeta) return undefined;
    throw error;
  }
}
