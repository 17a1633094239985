import type { DicomJson } from '../core/dicom/json.ts';
import { find } from '../core/studies/find.ts';
import { integer, text } from '../core/dicom/attribute-values.ts';
import { put } from '../core/table.ts';
import type { Message } from './upper-layer/association.ts';
import type { Conversation } from './conversation.ts';
import { levelOf, writeIdentifier, type Identifier } from './identifier.ts';
import { answerOf, questionOf, type Question } from './query.ts';
import { queryRetrieve } from './sop-classes.ts';
import { answerTo } from './answer.ts';
import { status } from './status.ts';

/** C-FIND of Query/Retrieve (PS3.4 C.4.1): the search of QIDO-RS, page by page, until all is told or the asker has enough. */
export async function answerFind(
  conversation: Conversation,
  { context, command }: Message,
  identifier: Identifier,
  cancelled: AbortSignal,
): Promise<void> {
  const { association, settings } = conversation;
  const { root } = queryRetrieve.get(context.abstractSyntax)!;
  const question = questionOf(identifier, levelOf(identifier, root));
  const pending = question.passedOver ? status.pendingWithoutKeys : status.pending;
  const matches =
    question.level === 'PATIENT' ? patients(found(conversation, question)) : found(conversation, question);
  for await (const match of matches) {
    if (cancelled.aborted) return association.send(context, answerTo(command, status.cancelled));
    const answer = answerOf(match, identifier, question, settings.title);
    const bytes = writeIdentifier(answer, context.transferSyntax, identifier.characterSet);
    await association.send(context, answerTo(command, pending), bytes);
  }
  await association.send(context, answerTo(command, cancelled.aborted ? status.cancelled : status.success));
}

async function* found({ world, asking }: Conversation, { query, text: said }: Question): AsyncGenerator<DicomJson> {
  for (let offset = 0; ;) {
    const { matches, total } = await find(world, asking, { ...query, offset }, said, 'dimse:find');
    for (const [i, match] of matches.entries()) {
      // A cancellation is heard between answers only if something else may run.
      if (i % 20 === 0) await new Promise((next) => setImmediate(next));
      yield match;
    }
    offset += matches.length;
    if (matches.length === 0 || offset >= total) return;
  }
}

/** Studies come in the order of Patient ID: those of one patient are told as one, with their number. */
async function* patients(studies: AsyncIterable<DicomJson>): AsyncGenerator<DicomJson> {
  const keyOf = (study: DicomJson) => `${text(study, '00100020') ?? ''}\n${text(study, '00100021') ?? ''}`;
  let standing: DicomJson | undefined;
  let counts = [0, 0, 0];
  const told = (patient: DicomJson): DicomJson => {
    for (const [i, tag] of ['00201200', '00201202', '00201204'].entries())
      put(patient, tag, { vr: 'IS', Value: [counts[i]!] });
    return patient;
  };
  for await (const study of studies) {
    if (standing && keyOf(standing) !== keyOf(study)) {
      yield told(standing);
      [standing, counts] = [undefined, [0, 0, 0]];
    }
    standing ??= study;
    counts = [
      counts[0]! + 1,
      counts[1]! + (integer(study, '00201206') ?? 0),
      counts[2]! + (integer(study, '00201208') ?? 0),
    ];
  }
  if (standing) yield told(standing);
}
