/** A-ASSOCIATE-RQ and -AC (PS3.8 9.3.2, 9.3.3, Annex D; PS3.7 Annex D.3.3). */
import { trimEnd } from '../../core/trim-end.ts';
import { abortReason, broken, pdu, pduType } from './pdu.ts';

export const applicationContext = '1.2.840.10008.3.1.1.1';
/** Of this server, for good: it stands in files that must be the same whenever they come again. */
export const implementationClassUid = '2.25.190146791043182537444806132342625375408';
const implementationVersion = 'CSSS_1';

export interface ProposedContext {
  id: number;
  abstractSyntax: string;
  transferSyntaxes: string[];
}

/** What one side may do with a SOP class (SCP/SCU role selection, PS3.7 D.3.3.4). */
export interface Role {
  sopClass: string;
  scu: boolean;
  scp: boolean;
}

export interface AssociateRequest {
  version: number;
  calledTitle: string;
  callingTitle: string;
  applicationContext: string;
  contexts: ProposedContext[];
  roles: Role[];
  /** Of the PDUs that the requestor takes; 0 is no limit. */
  maxLength: number;
}

/** 0 acceptance, 1 user rejection, 3 abstract syntax, 4 transfer syntaxes not supported (PS3.8 Table 9-18). */
export type ContextResult = 0 | 1 | 2 | 3 | 4;

export interface AnsweredContext {
  id: number;
  result: ContextResult;
  transferSyntax: string;
}

export interface AssociateAccept {
  contexts: AnsweredContext[];
  roles: Role[];
  maxLength: number;
}

const itemType = { application: 0x10, proposed: 0x20, answered: 0x21, abstract: 0x30, transfer: 0x40, user: 0x50, length: 0x51, classUid: 0x52, role: 0x54, version: 0x55 } as const; // prettier-ignore
const fixedLength = 68;
const mostContexts = 128;
const mostSyntaxes = 256;

interface Item {
  type: number;
  value: Buffer;
}

/** @throws what breaks the protocol. */
export function parseRequest(body: Buffer): AssociateRequest {
  const items = fixedAndItems(body);
  const contexts = items.filter(({ type }) => type === itemType.proposed).map(({ value }) => proposedContext(value));
  const ids = new Set(contexts.map(({ id }) => id));
  if (contexts.length > mostContexts || ids.size !== contexts.length || contexts.some(({ id }) => id % 2 === 0))
    throw broken(abortReason.invalidParameter, 'Presentation contexts need 1 to 128 different odd ids');
  return {
    version: body.readUInt16BE(0),
    calledTitle: titleOf(body.subarray(4, 20)),
    callingTitle: titleOf(body.subarray(20, 36)),
    applicationContext: uidOf(items.find(({ type }) => type === itemType.application)?.value),
    contexts,
    ...userInformation(items),
  };
}

/** @throws what breaks the protocol. */
export function parseAccept(body: Buffer): AssociateAccept {
  const items = fixedAndItems(body);
  const contexts = items
    .filter(({ type }) => type === itemType.answered)
    .map(({ value }): AnsweredContext => {
      if (value.length < 4) throw broken(abortReason.invalidParameter, 'A presentation context is cut off');
      const result = Math.min(value[2]!, 4) as ContextResult;
      const syntax = result === 0 ? itemsOf(value, 4).find(({ type }) => type === itemType.transfer) : undefined;
      return { id: value[0]!, result, transferSyntax: uidOf(syntax?.value) };
    });
  return { contexts, ...userInformation(items) };
}

function fixedAndItems(body: Buffer): Item[] {
  if (body.length < fixedLength) throw broken(abortReason.invalidParameter, 'An associate PDU is cut off');
  return itemsOf(body, fixedLength);
}

function proposedContext(value: Buffer): ProposedContext {
  if (value.length < 4) throw broken(abortReason.invalidParameter, 'A presentation context is cut off');
  const items = itemsOf(value, 4);
  const syntaxes = items.filter(({ type }) => type === itemType.transfer).map((item) => uidOf(item.value));
  return {
    id: value[0]!,
    abstractSyntax: uidOf(items.find(({ type }) => type === itemType.abstract)?.value),
    transferSyntaxes: syntaxes.slice(0, mostSyntaxes),
  };
}

function userInformation(items: readonly Item[]): { maxLength: number; roles: Role[] } {
  const user = items.find(({ type }) => type === itemType.user);
  const parts = user ? itemsOf(user.value, 0) : [];
  const length = parts.find(({ type, value }) => type === itemType.length && value.length >= 4);
  return {
    maxLength: length?.value.readUInt32BE(0) ?? 0,
    roles: parts.filter(({ type }) => type === itemType.role).map(({ value }) => roleOf(value)),
  };
}

function roleOf(value: Buffer): Role {
  const length = value.length >= 2 ? value.readUInt16BE(0) : Infinity;
  if (value.length < length + 4) throw broken(abortReason.invalidParameter, 'A role selection is cut off');
  return {
    sopClass: uidOf(value.subarray(2, 2 + length)),
    scu: value[2 + length] === 1,
    scp: value[3 + length] === 1,
  };
}

function itemsOf(bytes: Buffer, start: number): Item[] {
  const items: Item[] = [];
  let at = start;
  while (at < bytes.length) {
    const length = bytes.length - at < 4 ? Infinity : bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length)
      throw broken(abortReason.invalidParameter, 'An item leads out of what holds it');
    items.push({ type: bytes[at]!, value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return items;
}

const titleOf = (bytes: Buffer): string => bytes.toString('latin1').replaceAll('\0', ' ').trim();
const uidOf = (bytes: Buffer | undefined): string => trimEnd((bytes ?? Buffer.alloc(0)).toString('latin1'), '\0 ');

export function acceptPdu(request: AssociateRequest, answer: AssociateAccept): Buffer {
  const contexts = answer.contexts.map(({ id, result, transferSyntax }) =>
    item(
      itemType.answered,
      Buffer.concat([Uint8Array.of(id, 0, result, 0), item(itemType.transfer, Buffer.from(transferSyntax))]),
    ),
  );
  return pdu(pduType.accept, Buffer.concat([fixedPart(request), ...contexts, userItem(answer)]));
}

export function requestPdu(request: Omit<AssociateRequest, 'version' | 'applicationContext'>): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
    item(
      itemType.proposed,
      Buffer.concat([
        Uint8Array.of(id, 0, 0, 0),
        item(itemType.abstract, Buffer.from(abstractSyntax)),
        ...transferSyntaxes.map((uid) => item(itemType.transfer, Buffer.from(uid))),
      ]),
    ),
  );
  return pdu(pduType.associateRequest, Buffer.concat([fixedPart(request), ...contexts, userItem(request)]));
}

function fixedPart({ calledTitle, callingTitle }: Pick<AssociateRequest, 'calledTitle' | 'callingTitle'>): Buffer {
  const fixed = Buffer.alloc(fixedLength);
  fixed.writeUInt16BE(1, 0);
  fixed.write(calledTitle.padEnd(16), 4, 16, 'latin1');
  fixed.write(callingTitle.padEnd(16), 20, 16, 'latin1');
  return Buffer.concat([fixed, item(itemType.application, Buffer.from(applicationContext))]);
}

function userItem({ maxLength, roles }: Pick<AssociateAccept, 'maxLength' | 'roles'>): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(maxLength);
  return item(
    itemType.user,
    Buffer.concat([
      item(itemType.length, length),
      item(itemType.classUid, Buffer.from(implementationClassUid)),
      ...roles.map(({ sopClass, scu, scp }) => item(itemType.role, roleBytes(sopClass, scu, scp))),
      item(itemType.version, Buffer.from(implementationVersion)),
    ]),
  );
}

function roleBytes(sopClass: string, scu: boolean, scp: boolean): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(sopClass.length);
  return Buffer.concat([length, Buffer.from(sopClass), Uint8Array.of(Number(scu), Number(scp))]);
}

function item(type: number, value: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header[0] = type;
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value]);
}
