import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import { isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { Problem } from '../core/problem.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { ProposedContext } from './upper-layer/associate.ts';
import { isGone, type Association, type Message } from './upper-layer/association.ts';
import { answerTo } from './answer.ts';
import { call } from './call.ts';
import type { Conversation } from './conversation.ts';
import { storeRequest } from './get.ts';
import type { Identifier } from './identifier.ts';
import { contextFor, dataSetFor } from './instance-bytes.ts';
import { namedInstances } from './instances.ts';
import { explicitLittle, implicitLittle, queryRetrieve } from './sop-classes.ts';
import { status } from './status.ts';
import { subOperations, type SendInstance } from './sub-operations.ts';

type Proposal = Omit<ProposedContext, 'id'>;
/** Of one association (PS3.8 9.3.2.2). */
const mostContexts = 128;

/** C-MOVE (PS3.4 C.4.2): sends the images to a registered application entity, by its title. */
export async function answerMove(
  conversation: Conversation,
  message: Message,
  identifier: Identifier,
  cancelled: AbortSignal,
): Promise<void> {
  const { world, association } = conversation;
  const { command, context } = message;
  const { root } = queryRetrieve.get(context.abstractSyntax)!;
  const destination = await world.read(({ remoteAes }) => remoteAes.byTitle(command.MoveDestination ?? ''));
  if (!destination?.host || destination.disabled)
    return association.send(
      context,
      answerTo(command, status.unknownDestination, {
        comment: 'The move destination is not registered with an address',
      }),
    );
  const instances = await namedInstances(conversation, identifier, root, 'dimse:move');
  const sender = new Sender(conversation, destination, command.MessageID ?? 0, instances);
  try {
    await subOperations(conversation, message, instances, sender.send, cancelled);
  } finally {
    await sender.end();
  }
}

/** Keeps an association with the destination, opened when the first image goes out; a new one where contexts do not suffice. */
class Sender {
  readonly #conversation: Conversation;
  readonly #destination: RemoteAe;
  readonly #messageId: number;
  readonly #batches: Proposal[][];
  #batch: Proposal[] | undefined;
  #association: Association | undefined;
  #fault: unknown;

  constructor(
    conversation: Conversation,
    destination: RemoteAe,
    messageId: number,
    instances: readonly InstanceAddress[],
  ) {
    this.#conversation = conversation;
    this.#destination = destination;
    this.#messageId = messageId;
    this.#batches = proposals(instances);
  }

  readonly send: SendInstance = async (instance) => {
    const association = await this.#to(instance);
    const context = association && contextFor(association.contexts.values(), instance);
    if (!association || !context) return status.noSuchClass;
    try {
      return await this.#store(association, instance, context);
    } catch (error) {
      // The destination has gone, or what was begun cannot be ended: the next image tries anew.
      await this.#drop();
      if (!isGone(error)) throw error;
      return status.processing;
    }
  };

  async #store(association: Association, instance: InstanceAddress, context: Message['context']): Promise<number> {
    const { files, ae, settings } = this.#conversation;
    const request = {
      ...storeRequest(instance, association.nextMessageId()),
      MoveOriginatorApplicationEntityTitle: ae.title,
      MoveOriginatorMessageID: this.#messageId,
    };
    await association.send(context, request, dataSetFor(files, instance, context));
    association.waitAtMost(settings.idleMs);
    const answer = await association.next();
    if (answer !== undefined && answer !== 'release') return answer.command.Status ?? status.processing;
    await this.#drop();
    return status.processing;
  }

  async #to({ SOPClassUID }: InstanceAddress): Promise<Association | undefined> {
    const batch = this.#batches.find((one) => one.some(({ abstractSyntax }) => abstractSyntax === SOPClassUID))!;
    if (this.#association && this.#batch === batch) return this.#association;
    await this.end();
    if (this.#fault !== undefined) return undefined; // one that is not there is not asked for each image
    this.#batch = batch;
    try {
      this.#association = await call(this.#conversation.settings, this.#destination, batch);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#fault = error;
    }
    return this.#association;
  }

  async #drop(): Promise<void> {
    this.#association?.abort();
    this.#association = undefined;
  }

  async end(): Promise<void> {
    await this.#association?.release();
    this.#association = undefined;
  }
}

/** For each class a context in each transfer syntax that its images are stored in, and one in what they can be turned into. */
function proposals(instances: readonly InstanceAddress[]): Proposal[][] {
  const batches: Proposal[][] = [];
  for (const [abstractSyntax, ofClass] of Map.groupBy(instances, ({ SOPClassUID }) => SOPClassUID)) {
    const stored = [...new Set(ofClass.map(({ TransferSyntaxUID }) => TransferSyntaxUID))];
    const plain = stored.some(isDecoded) ? [[explicitLittle, implicitLittle]] : [];
    const ofThis = [...stored.map((uid) => [uid]), ...plain].map((transferSyntaxes) => ({ abstractSyntax, transferSyntaxes })); // prettier-ignore
    const last = batches.at(-1);
    if (last && last.length + ofThis.length <= mostContexts) last.push(...ofThis);
    else batches.push(ofThis);
  }
  return batches;
}
