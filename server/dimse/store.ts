import type { AuditRow } from '../core/access/audit-trail.ts';
import { isUid } from '../core/dicom/uid.ts';
import { failureReason, warningReason } from '../core/studies/failure-reason.ts';
import type { InstanceOutcome } from '../core/studies/outcome.ts';
import { mustBeAllowedToStore, receiveInstance, storeInstances } from '../core/studies/store-instance.ts';
import { settleOwed } from '../core/studies/settle-owed.ts';
import type { Message } from './upper-layer/association.ts';
import { commandField } from './upper-layer/command-set.ts';
import type { Conversation } from './conversation.ts';
import { part10Header } from './part10-header.ts';
import { errorComment, status, statusOf } from './status.ts';

/** Longer than this no study waits for what has come of it, should an association last for hours. */
const longestOwedMs = 3_000;

/**
 * C-STORE (PS3.4 B.2): what one association stores. An image is on disk, in the index and in the audit trail before it is answered;
 * its study is settled once for all that came within some seconds, and when the association ends.
 */
export class StoreSession {
  readonly #conversation: Conversation;
  readonly #owed = new Set<string>();
  #owedSince = 0;
  readonly #written = new Set<string>();
  readonly #counted = new Map<string, AuditRow & { times: number }>();

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  async store({ context, command }: Message): Promise<void> {
    const { association } = this.#conversation;
    const answer = await this.#outcome({ context, command });
    await association.send(context, {
      AffectedSOPClassUID: command.AffectedSOPClassUID ?? context.abstractSyntax,
      CommandField: commandField.store | commandField.response,
      MessageIDBeingRespondedTo: command.MessageID ?? 0,
      AffectedSOPInstanceUID: command.AffectedSOPInstanceUID ?? '',
      Status: answer.status,
      ...(answer.comment !== undefined && { ErrorComment: errorComment(answer.comment) }),
    });
    if (this.#owed.size > 0 && Date.now() - this.#owedSince > this.#patience()) await this.#settle();
  }

  /** Settles what is owed, and writes down what was only counted. */
  async end(): Promise<void> {
    await this.#settle();
    const { world } = this.#conversation;
    for (const row of this.#counted.values()) await world.read(({ audit }) => audit.append(row));
    this.#counted.clear();
  }

  async #outcome({
    context,
    command,
  }: Pick<Message, 'context' | 'command'>): Promise<{ status: number; comment?: string }> {
    const { AffectedSOPClassUID: sopClass, AffectedSOPInstanceUID: sopInstance = '' } = command;
    if (sopClass !== context.abstractSyntax)
      return { status: status.noSuchClass, comment: 'The SOP class is not that of its presentation context' };
    if (!isUid(sopInstance))
      return { status: status.invalidInstance, comment: 'Affected SOP Instance UID is not a valid UID' };
    try {
      return answerTo(await this.#receive(sopClass, sopInstance, context.transferSyntax));
    } catch (error) {
      const { isFault, ...answer } = statusOf(error);
      if (isFault) this.#conversation.onFault(error, this.#conversation.asking.requestId);
      return answer;
    }
  }

  async #receive(sopClass: string, sopInstance: string, transferSyntax: string): Promise<InstanceOutcome> {
    const { world, association, asking, settings, onFault } = this.#conversation;
    mustBeAllowedToStore(asking.principal);
    const header = part10Header(sopClass, sopInstance, transferSyntax);
    async function* file(): AsyncGenerator<Uint8Array> {
      yield header;
      yield* association.dataSet();
    }
    const arriving = await receiveInstance(world, file(), { limit: settings.instanceLimit });
    const rows: AuditRow[] = [];
    const { instances } = await storeInstances(world, asking.principal, [arriving], {
      requestId: asking.requestId,
      sourceAddress: asking.sourceAddress,
      event: 'dimse:store',
      settle: 'owed',
      countRow: (row) => {
        rows.splice(0, rows.length, row); // the transaction may be run again
        return !this.#written.has(keyOf(row));
      },
      onFault: (error) => onFault(error, asking.requestId),
    });
    for (const row of rows) this.#count(row);
    const [outcome] = instances;
    if (outcome!.status === 'stored') this.#owe(outcome!.name.StudyInstanceUID);
    return outcome!;
  }

  #owe(study: string): void {
    if (this.#owed.size === 0) this.#owedSince = Date.now();
    this.#owed.add(study);
  }

  /** A study must not count as complete while we have not told that it grows. */
  #patience(): number {
    const { world, asking } = this.#conversation;
    const { studyQuietSeconds, studyQuietSecondsOf } = world.settings;
    return Math.min(longestOwedMs, (studyQuietSecondsOf.get(asking.principal.clientId) ?? studyQuietSeconds) * 500);
  }

  async #settle(): Promise<void> {
    const { world, asking, onFault } = this.#conversation;
    const studies = [...this.#owed].sort();
    this.#owed.clear();
    // What fails here is owed still, and house-keeping pays it.
    for (const uid of studies)
      await settleOwed(world, asking.principal, uid).catch((error: unknown) => onFault(error, asking.requestId));
  }

  /** One row when the first of a kind comes, one with the number of the others at the end. */
  #count(row: AuditRow): void {
    const key = keyOf(row);
    if (!this.#written.has(key)) this.#written.add(key);
    else this.#counted.set(key, { ...row, times: (this.#counted.get(key)?.times ?? 0) + 1 });
  }
}

function keyOf({ event, outcome, entities = [] }: AuditRow): string {
  return [event, outcome, ...entities].join(' ');
}

function answerTo(outcome: InstanceOutcome): { status: number; comment?: string } {
  if (outcome.status === 'failed') return { status: failureReason[outcome.reason], comment: outcome.message };
  const warning = warningReason(outcome);
  if (warning === undefined) return { status: status.success };
  return { status: warning, comment: outcome.status === 'held' ? outcome.message : (outcome.warning ?? '') };
}
