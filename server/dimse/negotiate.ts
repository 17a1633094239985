import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import { applicationContext, type AnsweredContext, type AssociateAccept, type AssociateRequest, type ProposedContext } from './upper-layer/associate.ts'; // prettier-ignore
import { ownMaxLength, type Context } from './upper-layer/association.ts';
import type { Rejection } from './upper-layer/pdu.ts';
import type { DimseSettings } from './settings.ts';
import { explicitBig, implicitLittle, isStorage, queryRetrieve, syntaxToReceive, syntaxToSend, verification } from './sop-classes.ts'; // prettier-ignore

/** What is wrong with a request, whoever makes it (PS3.8 Table 9-21); undefined: nothing. */
export function wrongRequest(request: AssociateRequest, title: string): (Rejection & { why: string }) | undefined {
  if ((request.version & 1) === 0) return { result: 1, source: 2, reason: 2, why: 'protocol version' };
  if (request.applicationContext !== applicationContext)
    return { result: 1, source: 1, reason: 2, why: 'application context' };
  if (request.calledTitle !== title) return { result: 1, source: 1, reason: 7, why: 'called AE title' };
  return undefined;
}

export interface Agreed {
  answer: AssociateAccept;
  contexts: Context[];
}

/** Which of the proposed contexts are agreed on, by what the application entity may do. */
export function agree(
  request: AssociateRequest,
  { may }: Pick<RemoteAe, 'may'>,
  { privateClasses }: Pick<DimseSettings, 'privateClasses'>,
): Agreed {
  const contexts: Context[] = [];
  const toUs = new Map(request.roles.map((role) => [role.sopClass, role]));
  const answers = request.contexts.map((proposed): AnsweredContext => {
    const isReceiver = toUs.get(proposed.abstractSyntax)?.scp === true;
    const answer = answered(proposed, new Set(may), isReceiver, privateClasses);
    if (answer.result === 0)
      contexts.push({ id: answer.id, transferSyntax: answer.transferSyntax, abstractSyntax: proposed.abstractSyntax, receives: isReceiver }); // prettier-ignore
    return answer;
  });
  const accepted = new Set(contexts.map(({ abstractSyntax }) => abstractSyntax));
  const roles = request.roles.filter(({ sopClass }) => accepted.has(sopClass));
  return { answer: { contexts: answers, roles, maxLength: ownMaxLength }, contexts };
}

function answered(
  { id, abstractSyntax, transferSyntaxes }: ProposedContext,
  may: ReadonlySet<string>,
  isReceiver: boolean,
  privateClasses: DimseSettings['privateClasses'],
): AnsweredContext {
  const refused = (result: 1 | 3 | 4): AnsweredContext => ({
    id,
    result,
    transferSyntax: transferSyntaxes[0] ?? implicitLittle,
  });
  const service = queryRetrieve.get(abstractSyntax)?.service;
  const isOfStorage = isStorage(abstractSyntax, privateClasses);
  const permission = abstractSyntax === verification ? 'echo' : (service ?? (isReceiver ? 'get' : 'store'));
  if (abstractSyntax !== verification && !service && !isOfStorage) return refused(3);
  if (!may.has(permission)) return refused(1);
  const syntax = chosenSyntax(transferSyntaxes, isOfStorage, isReceiver);
  return syntax === undefined ? refused(4) : { id, result: 0, transferSyntax: syntax };
}

function chosenSyntax(proposed: readonly string[], isOfStorage: boolean, isReceiver: boolean): string | undefined {
  if (!isOfStorage) return syntaxToSend(proposed) ?? proposed.find((uid) => uid === explicitBig);
  return isReceiver ? (syntaxToSend(proposed) ?? syntaxToReceive(proposed)) : syntaxToReceive(proposed);
}
