import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import { foreignPreambles } from './preamble.ts';
import { partFor } from './retrieve.ts';

/** How one instance is given out as a file, chunk by chunk: begun when it is read. */
export type StoredFile = () => AsyncIterable<Uint8Array>;

/**
 * Files of instances exactly as WADO-RS gives them in a transfer syntax, by default with `transfer-syntax=*`: with what was corrected of the patient, and without a
 * program in the preamble. For whoever packs them otherwise.
 */
export function storedFiles(world: World, transferSyntax = '*') {
  return async (instances: readonly InstanceAddress[]): Promise<StoredFile[]> => {
    const foreign = await foreignPreambles(world, instances);
    return instances.map((instance) => {
      const part = partFor(world, instance, { transferSyntax }, foreign.has(instance));
      return () => part.body();
    });
  };
}
