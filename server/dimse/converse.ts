import { Problem } from '../core/problem.ts';
import { isGone, type Message } from './upper-layer/association.ts';
import { commandField, type Command } from './upper-layer/command-set.ts';
import { abortReason, broken } from './upper-layer/pdu.ts';
import { answerTo } from './answer.ts';
import { noteAct, type Conversation } from './conversation.ts';
import { answerFind } from './find.ts';
import { answerGet, type Ask } from './get.ts';
import { longestIdentifier, readIdentifier } from './identifier.ts';
import { answerMove } from './move.ts';
import { queryRetrieve, verification } from './sop-classes.ts';
import { status, statusOf } from './status.ts';
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

interface Operation {
  messageId: number | undefined;
  cancel: AbortController;
  done: Promise<void>;
}

const services = { [commandField.find]: 'find', [commandField.move]: 'move', [commandField.get]: 'get' } as const;
const serviceOf = new Map<number, string>(Object.entries(services).map(([field, name]) => [Number(field), name]));

class Talk {
  readonly #conversation: Conversation;
  readonly #stores: StoreSession;
  #operation: Operation | undefined;
  /** Who waits for answers to our own requests, by message id. */
  readonly #waiting = new Map<number, (answer: Command | undefined) => void>();

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
    this.#stores = new StoreSession(conversation);
  }

  async hear(): Promise<'release' | undefined> {
    const { association, settings } = this.#conversation;
    for (;;) {
      association.waitAtMost(this.#operation ? undefined : settings.idleMs);
      const message = await association.next();
      if (message === undefined || message === 'release') {
        await this.#endOperation();
        return message;
      }
      await this.#answer(message);
    }
  }

  async end(): Promise<void> {
    const { onFault, asking } = this.#conversation;
    await this.#endOperation();
    await this.#stores.end().catch((error: unknown) => onFault(error, asking.requestId));
  }

  /** Nobody is there any more who would hear the rest. */
  async #endOperation(): Promise<void> {
    this.#operation?.cancel.abort();
    for (const hear of this.#waiting.values()) hear(undefined);
    await this.#operation?.done;
  }

  async #answer(message: Message): Promise<void> {
    const { CommandField: field, MessageIDBeingRespondedTo: about } = message.command;
    if (field === commandField.cancel) {
      if (this.#operation?.messageId === about) this.#operation?.cancel.abort();
      return;
    }
    if ((field & commandField.response) !== 0) {
      const hear = this.#waiting.get(about ?? -1);
      if (!hear) throw broken(abortReason.unexpectedParameter, 'An answer that nobody waits for');
      return hear(message.command);
    }
    await this.#operation?.done;
    await this.#perform(message);
  }

  async #perform(message: Message): Promise<void> {
    const { context, command } = message;
    const { association } = this.#conversation;
    const service = queryRetrieve.get(context.abstractSyntax)?.service;
    const isOfContext =
      command.CommandField === commandField.echo
        ? context.abstractSyntax === verification
        : command.CommandField === commandField.store
          ? !service && context.abstractSyntax !== verification
          : service !== undefined && service === serviceOf.get(command.CommandField);
    if (!isOfContext) return association.send(context, answerTo(command, status.unknownCommand));
    if (command.CommandField === commandField.store) return this.#stores.store(message);
    if (service) return this.#begin(message);
    await noteAct(this.#conversation, { action: 'E', event: 'dimse:echo', outcome: 'success' });
    await association.send(context, answerTo(command, status.success));
  }

  /** Query and retrieve go on beside the hearing. */
  async #begin(message: Message): Promise<void> {
    const { association } = this.#conversation;
    const cancel = new AbortController();
    const bytes = await association.wholeDataSet(longestIdentifier).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'too-long') return undefined;
      throw error;
    });
    const done = this.#run(message, bytes, cancel.signal)
      .catch((error: unknown) => this.#failed(message, error))
      .finally(() => {
        this.#operation = undefined;
        association.waitAtMost(this.#conversation.settings.idleMs);
      });
    this.#operation = { messageId: message.command.MessageID, cancel, done };
  }

  async #run(message: Message, bytes: Buffer | undefined, cancelled: AbortSignal): Promise<void> {
    if (!bytes) throw new Problem('too-long', `The identifier is longer than ${longestIdentifier} bytes`);
    const { transferSyntax, abstractSyntax } = message.context;
    const identifier = readIdentifier(bytes, transferSyntax);
    const conversation = this.#conversation;
    const service = queryRetrieve.get(abstractSyntax)!.service;
    if (service === 'find') await answerFind(conversation, message, identifier, cancelled);
    else if (service === 'move') await answerMove(conversation, message, identifier, cancelled);
    else await answerGet(conversation, message, identifier, cancelled, this.#ask);
  }

  /** Told in the answer; where even that cannot be sent, nobody is there. */
  async #failed({ context, command }: Message, error: unknown): Promise<void> {
    if (isGone(error)) return;
    const { association, onFault, asking } = this.#conversation;
    const { status: code, comment, isFault } = statusOf(error);
    if (isFault) onFault(error, asking.requestId);
    await association.send(context, answerTo(command, code, { comment })).catch(() => undefined);
  }

  readonly #ask: Ask = async (context, command, dataSet) => {
    const { association, settings } = this.#conversation;
    const id = command.MessageID!;
    const heard = new Promise<Command | undefined>((done) => this.#waiting.set(id, done));
    const late = setTimeout(() => this.#waiting.get(id)?.(undefined), settings.idleMs);
    try {
      await association.send(context, command, dataSet);
      late.refresh();
      const answer = await heard;
      if (!answer) throw new Problem('timeout', 'No answer to C-STORE');
      return answer;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  };
}
