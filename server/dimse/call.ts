import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import { Problem } from '../core/problem.ts';
import { parseAccept, requestPdu, type ProposedContext, type Role } from './upper-layer/associate.ts';
import { Association, lastWord, ownMaxLength, type Context } from './upper-layer/association.ts';
import { commandField } from './upper-layer/command-set.ts';
import { pduType, type Pdu } from './upper-layer/pdu.ts';
import { PduReader } from './upper-layer/pdu-reader.ts';
import type { DimseSettings } from './settings.ts';
import { explicitLittle, implicitLittle, verification } from './sop-classes.ts';

type Callee = Pick<RemoteAe, 'title' | 'host' | 'port' | 'tls' | 'fingerprint'>;
type Ours = Pick<DimseSettings, 'title' | 'tls' | 'patienceMs'>;

/**
 * Opens an association with another application entity.
 *
 * @throws Problem `business-rule` without an address of it, `transient` when it is not there, does not answer or refuses.
 */
export async function call(
  ours: Ours,
  ae: Callee,
  proposed: readonly Omit<ProposedContext, 'id'>[],
  roles: readonly Role[] = [],
): Promise<Association> {
  const socket = await connected(ours, ae);
  const reader = new PduReader(socket, { longestData: ownMaxLength + 64, paceMs: ours.patienceMs });
  try {
    const contexts = proposed.map((context, i) => ({ ...context, id: 2 * i + 1 }));
    socket.write(
      requestPdu({
        calledTitle: ae.title,
        callingTitle: ours.title,
        contexts,
        roles: [...roles],
        maxLength: ownMaxLength,
      }),
    );
    reader.waitAtMost(ours.patienceMs);
    const { contexts: answered, maxLength } = parseAccept(accepted(ae, await reader.next()));
    const agreed = answered.flatMap(({ id, result, transferSyntax }): Context[] => {
      const context = contexts.find((one) => one.id === id);
      return context && result === 0 ? [{ id, transferSyntax, abstractSyntax: context.abstractSyntax }] : [];
    });
    return new Association(socket, reader, agreed, maxLength);
  } catch (error) {
    lastWord(socket);
    throw error;
  }
}

function accepted({ title }: Callee, answer: Pdu | undefined): Buffer {
  if (answer?.type === pduType.accept) return answer.body;
  if (answer?.type === pduType.reject)
    throw new Problem('transient', `${title} refuses the association: ${reasons.get(`${answer.body[2]} ${answer.body[3]}`) ?? 'it gives no reason that is known'}.`); // prettier-ignore
  throw new Problem('transient', `${title} ends the connection instead of answering.`);
}

/** What a network says, as something to do. */
const breaks = new Map([
  ['ECONNREFUSED', 'nothing listens there (ECONNREFUSED); check host and port, and that it runs'],
  ['ENOTFOUND', 'its host has no address (ENOTFOUND); check the name'],
  ['EHOSTUNREACH', 'there is no way to its host (EHOSTUNREACH); check the address and the firewall'],
  ['ETIMEDOUT', 'its host does not answer (ETIMEDOUT); check the address and the firewall'],
]);

/** Source and reason of PS3.8 Table 9-21, as something to do. */
const reasons = new Map([
  ['1 3', 'it does not know our AE title'],
  ['1 7', 'it has another AE title'],
  ['3 1', 'it is busy'],
  ['3 2', 'it has too many associations'],
]);

function connected(ours: Ours, { title, host, port, tls, fingerprint }: Callee): Promise<Socket> {
  if (host === undefined || port === undefined)
    throw new Problem('business-rule', `${title} has no address: enter host and port of where it listens.`);
  return new Promise((done, fail) => {
    const refuse = (why: string) => fail(new Problem('transient', `${title} cannot be reached: ${why}.`));
    const socket = tls ? connectTls({ ...ours.tls, host, port, servername: host, minVersion: 'TLSv1.2' }) : connect({ host, port }); // prettier-ignore
    const late = setTimeout(() => {
      socket.destroy();
      refuse('no answer in time');
    }, ours.patienceMs);
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      clearTimeout(late);
      refuse(breaks.get(code ?? '') ?? `the connection breaks (${code ?? 'no code'})`);
    });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      const shown = 'getPeerCertificate' in socket ? socket.getPeerCertificate().fingerprint256 : undefined;
      if (fingerprint !== undefined && shown?.replaceAll(':', '').toLowerCase() !== fingerprint) {
        socket.destroy();
        return refuse('it shows another certificate than the one that is registered');
      }
      done(socket);
    });
  });
}

/**
 * C-ECHO to another application entity.
 *
 * @returns milliseconds until its answer. @throws Problem `transient` and `business-rule`, in words for people.
 */
export async function echo(ours: Ours, ae: Callee): Promise<number> {
  const began = performance.now();
  const association = await call(ours, ae, [{ abstractSyntax: verification, transferSyntaxes: [implicitLittle, explicitLittle] }]); // prettier-ignore
  try {
    const [context] = association.contexts.values();
    if (!context) throw new Problem('transient', `${ae.title} takes the association, and does not answer C-ECHO.`);
    association.waitAtMost(ours.patienceMs);
    await association.send(context, { AffectedSOPClassUID: verification, CommandField: commandField.echo, MessageID: association.nextMessageId() }); // prettier-ignore
    const answer = await association.next();
    if (answer === undefined || answer === 'release' || answer.command.Status !== 0)
      throw new Problem('transient', `${ae.title} does not answer C-ECHO with success.`);
    return Math.round(performance.now() - began);
  } finally {
    await association.release();
  }
}
