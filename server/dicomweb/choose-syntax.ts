import { canBeEncoded, isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { Problem } from '../core/problem.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { Choice } from '../http/answer/negotiate.ts';

const explicit = '1.2.840.10008.1.2.1';

/** How instances go out. */
export interface Chosen<Name extends string> {
  choice: Choice<Name>;
  /** Each in the transfer syntax of the choice, or as it is stored (`*`). */
  given: { instance: InstanceAddress; transferSyntax: string | undefined }[];
  /** What the caller has to know. */
  words: string[];
}

/**
 * The best choice in which all instances are available. If there is none, what is available does not wait for what is not
 * (PS3.18 10.4.3): several instances in the default transfer syntax come with some as they are stored, for each says how it
 * is written; in a transfer syntax that was asked for, those come that can.
 *
 * @throws Problem `not-acceptable` where nothing could be given.
 */
export function chosen<Name extends string>(
  choices: readonly Choice<Name>[],
  instances: readonly InstanceAddress[],
): Chosen<Name> {
  for (const choice of choices) {
    const transferSyntax = syntaxOf(choice);
    if (instances.every((instance) => canGive(instance, transferSyntax)))
      return { choice, given: instances.map((instance) => ({ instance, transferSyntax })), words: [] };
  }
  if (instances.length > 1) {
    for (const choice of choices) {
      const transferSyntax = syntaxOf(choice);
      const good = instances.filter((instance) => canGive(instance, transferSyntax));
      const others = instances.length - good.length;
      if (transferSyntax === undefined) {
        const given = instances.map((instance) => ({
          instance,
          transferSyntax: canGive(instance, transferSyntax) ? transferSyntax : '*',
        }));
        return {
          choice,
          given,
          words: [`${others} instance(s) cannot be decompressed here and come as they are stored`],
        };
      }
      if (good.length > 0) {
        const words = [`${others} instance(s) are not available in this transfer syntax and were left out; ask with transfer-syntax=*`]; // prettier-ignore
        return { choice, given: good.map((instance) => ({ instance, transferSyntax })), words };
      }
    }
  }
  throw new Problem(
    'not-acceptable',
    'These instances are available with transfer-syntax=* only, or in the one that was asked for not at all',
  );
}

/** An archive holds what is stored, unless something else is asked for. */
function syntaxOf({ name, transferSyntax }: Choice): string | undefined {
  return name === 'zip' ? (transferSyntax ?? '*') : transferSyntax;
}

function canGive(instance: InstanceAddress, transferSyntax = explicit): boolean {
  if (transferSyntax === '*' || transferSyntax === instance.TransferSyntaxUID) return true;
  if (transferSyntax === explicit) return isDecoded(instance.TransferSyntaxUID);
  return canBeEncoded(instance.TransferSyntaxUID, transferSyntax);
}
