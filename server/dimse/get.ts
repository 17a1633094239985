import type { Message } from './upper-layer/association.ts';
import { commandField, type Command } from './upper-layer/command-set.ts';
import type { Conversation } from './conversation.ts';
import type { Identifier } from './identifier.ts';
import { contextFor, dataSetFor } from './instance-bytes.ts';
import { namedInstances } from './instances.ts';
import { queryRetrieve } from './sop-classes.ts';
import { status } from './status.ts';
import { subOperations } from './sub-operations.ts';

/** Sends a request of ours on the association that the other side has opened; resolves with its answer. */
export type Ask = (context: { id: number }, command: Command, dataSet: AsyncIterable<Uint8Array>) => Promise<Command>;

/** C-GET (PS3.4 C.4.3): the images come back on the same association, on the contexts whose receiver the other side wants to be. */
export async function answerGet(
  conversation: Conversation,
  message: Message,
  identifier: Identifier,
  cancelled: AbortSignal,
  ask: Ask,
): Promise<void> {
  const { association, files } = conversation;
  const { root } = queryRetrieve.get(message.context.abstractSyntax)!;
  const instances = await namedInstances(conversation, identifier, root, 'dimse:get');
  const contexts = [...association.contexts.values()].filter(({ receives }) => receives);
  await subOperations(
    conversation,
    message,
    instances,
    async (instance) => {
      const context = contextFor(contexts, instance);
      if (!context) return status.noSuchClass;
      const answer = await ask(
        context,
        storeRequest(instance, association.nextMessageId()),
        dataSetFor(files, instance, context),
      );
      return answer.Status ?? status.processing;
    },
    cancelled,
  );
}

export function storeRequest(
  { SOPClassUID, SOPInstanceUID }: { SOPClassUID: string; SOPInstanceUID: string },
  MessageID: number,
): Command {
  return {
    AffectedSOPClassUID: SOPClassUID,
    CommandField: commandField.store,
    MessageID,
    Priority: 0,
    AffectedSOPInstanceUID: SOPInstanceUID,
  };
}
