import type { Socket } from 'node:net';
import { newId } from '../core/identifier.ts';
import { principalOfAe } from '../core/accounts/remote-aes/ae-principal.ts';
import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import { Problem } from '../core/problem.ts';
import { acceptPdu, parseRequest, type AssociateRequest } from './upper-layer/associate.ts';
import { Association, lastWord, ownMaxLength } from './upper-layer/association.ts';
import { abortPdu, abortReason, abortReasonOf, broken, pduType, rejectPdu, type Rejection } from './upper-layer/pdu.ts';
import { PduReader } from './upper-layer/pdu-reader.ts';
import { noteAct, type DimseParts } from './conversation.ts';
import { converse } from './converse.ts';
import { callerOf, whyRefused, type Caller } from './known-peer.ts';
import { listen, type Listener } from './listen.ts';
import { agree, wrongRequest } from './negotiate.ts';

/** Some count their headers into the length that they were told. */
const tolerance = 64;

export interface DimseFace extends Omit<Listener, 'close'> {
  /** Associations at this moment. */
  associations(): number;
  close(): Promise<void>;
}

/**
 * The upper layer service (PS3.8): takes associations of registered application entities and answers their messages until they
 * release. Whatever a peer sends, what it breaks is its own association.
 */
export async function dimseFace(parts: DimseParts): Promise<DimseFace> {
  const stopping = new AbortController();
  let active = 0;
  const listener = await listen(parts.settings, async (socket) => {
    const requestId = newId();
    const reader = new PduReader(socket, {
      longestData: ownMaxLength + tolerance,
      paceMs: parts.settings.patienceMs,
    });
    reader.waitAtMost(parts.settings.patienceMs);
    let hasPlace = false;
    const takePlace = () => (hasPlace = active < parts.settings.mostAssociations && ++active > 0);
    try {
      const known = await introduced(parts, reader, socket, requestId, takePlace);
      if (known) await associated(parts, { ...known, reader, socket, requestId }, stopping.signal);
    } catch (error) {
      if (!(error instanceof Problem)) parts.onFault(error, requestId);
      if (socket.writable) socket.write(abortPdu(2, abortReasonOf(error)));
      lastWord(socket);
    } finally {
      if (hasPlace) active--;
    }
  });
  return {
    ...listener,
    associations: () => active,
    async close() {
      stopping.abort();
      await listener.close(10_000);
    },
  };
}

interface Known {
  ae: RemoteAe;
  request: AssociateRequest;
  caller: Caller;
}

/** Hears who calls; undefined when it was refused, or said nothing. @throws what breaks the protocol. */
async function introduced(
  parts: DimseParts,
  reader: PduReader,
  socket: Socket,
  requestId: string,
  takePlace: () => boolean,
): Promise<Known | undefined> {
  const first = await reader.next();
  if (!first) return void socket.destroy();
  if (first.type !== pduType.associateRequest)
    throw broken(abortReason.unexpectedPdu, 'An association must be asked for first');
  const request = parseRequest(first.body);
  const caller = callerOf(socket);
  const refuse = (rejection: Rejection) => {
    socket.write(rejectPdu(rejection));
    lastWord(socket);
  };
  if (!takePlace()) return void refuse({ result: 2, source: 3, reason: 2 });
  const wrong = wrongRequest(request, parts.settings.title);
  const ae = wrong ? undefined : await parts.world.read(({ remoteAes }) => remoteAes.byTitle(request.callingTitle));
  const why = wrong?.why ?? whyRefused(ae, caller);
  if (why !== undefined || !ae) {
    refuse(wrong ?? { result: 1, source: 1, reason: 3 });
    const refused = new Problem('login', `An association was refused: ${why}`);
    const entities = ae ? [`RemoteAe/${ae.id}`] : [];
    const row = { action: 'E', event: 'dimse:association', principal: undefined, entities, requestId } as const;
    await parts.refusals.note(refused, { ...row, sourceAddress: caller.address });
    return undefined;
  }
  return { ae, request, caller };
}

async function associated(
  parts: DimseParts,
  { ae, request, caller, reader, socket, requestId }: Known & { reader: PduReader; socket: Socket; requestId: string },
  stopping: AbortSignal,
): Promise<void> {
  const { answer, contexts } = agree(request, ae, parts.settings);
  const association = new Association(socket, reader, contexts, request.maxLength);
  const asking = { principal: principalOfAe(ae), requestId, sourceAddress: caller.address };
  const conversation = { ...parts, association, ae, asking };
  await noteAct(conversation, { action: 'E', event: 'dimse:association', outcome: 'success', entities: [`RemoteAe/${ae.id}`] }); // prettier-ignore
  await parts.world.transaction(({ remoteAes }) => remoteAes.noteContact(ae.id));
  socket.write(acceptPdu(request, answer));
  await converse(conversation, stopping);
}
