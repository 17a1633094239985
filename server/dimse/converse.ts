import { isGone, type Message } from './upper-layer/association.ts';
import { commandField, type Command } from './upper-layer/command-set.ts';
import { abortReason, broken } from './upper-layer/pdu.ts';
import { noteAct, type Conversation } from './conversation.ts';
import { isStorage, queryRetrieve, verification } from './sop-classes.ts';
import { status } from './status.ts';
import { StoreSession } from './store.ts';

/**
 * Answers messages until the other side releases, aborts or is silent for too long. One operation runs at a time, as no more is
 * negotiated (PS3.7 D.3.3.3); while it runs, its cancellation and the answers to its own requests are heard.
 *
 * @throws what breaks the protocol, after the association was aborted.
 */
export async function converse(conversation: Conversation, stopping: AbortSignal): Promise<void> {
  const { association } = conversation;
  const stop = () => association.abort();
  stopping.addEventListener('abort', stop);
  const talk = new Talk(conversation);
  try {
    const last = await talk.hear();
    // What was stored is settled when the sender hears that it has been released.
    await talk.end();
    if (last === 'release') await association.released();
    else association.abort();
  } catch (error) {
    association.abort(error);
    if (!isGone(error)) throw error;
  } finally {
    stopping.removeEventListener('abort', stop);
    await talk.end();
  }
}

class Talk {
  readonly #conversation: Conversation;
  readonly #stores: StoreSession;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
    this.#stores = new StoreSession(conversation);
  }

  async hear(): Promise<'release' | undefined> {
    const { association, settings } = this.#conversation;
    for (;;) {
      association.waitAtMost(settings.idleMs);
      const message = await association.next();
      if (message === undefined || message === 'release') return message;
      association.waitAtMost(settings.idleMs);
      await this.#answer(message);
    }
  }

  async #answer(message: Message): Promise<void> {
    const { command, context } = message;
    const { settings } = this.#conversation;
    if (command.CommandField === commandField.cancel) return;
    if ((command.CommandField & commandField.response) !== 0)
      throw broken(abortReason.unexpectedParameter, 'An answer that nobody waits for');
    if (command.CommandField === commandField.echo && context.abstractSyntax === verification) return this.#echo(message);
    const isStore = command.CommandField === commandField.store && isStorage(context.abstractSyntax, settings.privateClasses);
    if (isStore && !queryRetrieve.has(context.abstractSyntax)) return this.#stores.store(message);
    return this.#refuse(message);
  }

  async #echo({ context, command }: Message): Promise<void> {
    await noteAct(this.#conversation, { action: 'E', event: 'dimse:echo', outcome: 'success' });
    await this.#conversation.association.send(context, answerTo(command, status.success));
  }

  async #refuse({ context, command }: Message): Promise<void> {
    await this.#conversation.association.send(context, answerTo(command, status.unknownCommand));
  }

  async end(): Promise<void> {
    const { onFault, asking } = this.#conversation;
    await this.#stores.end().catch((error: unknown) => onFault(error, asking.requestId));
  }
}

function answerTo(command: Message['command'], answer: number): Command {
  return {
    ...(command.AffectedSOPClassUID !== undefined && { AffectedSOPClassUID: command.AffectedSOPClassUID }),
    CommandField: (command.CommandField | commandField.response) & 0xffff,
    MessageIDBeingRespondedTo: command.MessageID ?? 0,
    Status: answer,
  };
}
