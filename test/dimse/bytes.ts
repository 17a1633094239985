/** Bytes of the upper layer as a peer writes them, good ones and broken ones. */
import type { Socket } from 'node:net';
import { requestPdu } from '../../server/dimse/upper-layer/associate.ts';
import { commandBytes, commandField, noDataSet } from '../../server/dimse/upper-layer/command-set.ts';
import { pdu, pduType } from '../../server/dimse/upper-layer/pdu.ts';

export const verification = '1.2.840.10008.1.1';
export const ctStorage = '1.2.840.10008.5.1.4.1.1.2';
export const implicit = '1.2.840.10008.1.2';
export const explicit = '1.2.840.10008.1.2.1';

export function associate(more: Partial<Parameters<typeof requestPdu>[0]> = {}): Buffer {
  return requestPdu({
    calledTitle: 'CSSS',
    callingTitle: 'MODALITY',
    contexts: [
      { id: 1, abstractSyntax: verification, transferSyntaxes: [implicit] },
      { id: 3, abstractSyntax: ctStorage, transferSyntaxes: [explicit] },
    ],
    roles: [],
    maxLength: 16384,
    ...more,
  });
}

/** A P-DATA-TF of one value. */
export function data(id: number, control: number, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt32BE(bytes.length + 2);
  header[4] = id;
  header[5] = control;
  return pdu(pduType.data, Buffer.concat([header, bytes]));
}

export const command = 3; // a command's last fragment
export const dataSet = 2; // a data set's last fragment

export const echoRequest = (id = 1): Buffer =>
  data(id, command, commandBytes({ AffectedSOPClassUID: verification, CommandField: commandField.echo, MessageID: 1, CommandDataSetType: noDataSet })); // prettier-ignore

export const storeRequest = (sopInstance: string): Buffer =>
  data(3, command, commandBytes({ AffectedSOPClassUID: ctStorage, CommandField: commandField.store, MessageID: 7, Priority: 0, CommandDataSetType: 0, AffectedSOPInstanceUID: sopInstance })); // prettier-ignore

/** All that comes back until the other side ends the connection, as types of PDUs with their bodies. */
export function answers(socket: Socket): Promise<{ type: number; body: Buffer }[]> {
  const pieces: Buffer[] = [];
  return new Promise((done) => {
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => done(pdusOf(Buffer.concat(pieces))));
  });
}

/** The next one. */
export function answer(socket: Socket): Promise<{ type: number; body: Buffer }> {
  let bytes = Buffer.alloc(0);
  return new Promise((done, fail) => {
    const hear = (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      const [first] = pdusOf(bytes);
      if (!first) return;
      socket.off('data', hear);
      done(first);
    };
    socket.on('data', hear).once('close', () => fail(new Error('the connection has ended')));
  });
}

function pdusOf(bytes: Buffer): { type: number; body: Buffer }[] {
  const found: { type: number; body: Buffer }[] = [];
  for (let at = 0; at + 6 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 2);
    if (at + 6 + length > bytes.length) break;
    found.push({ type: bytes[at]!, body: bytes.subarray(at + 6, at + 6 + length) });
    at += 6 + length;
  }
  return found;
}
