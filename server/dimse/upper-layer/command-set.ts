/** Command sets: elements of group 0000 in Implicit VR Little Endian (PS3.7 6.3.1, Annex E). */
import { trimEnd } from '../../core/trim-end.ts';
import { abortReason, broken } from './pdu.ts';

type Kind = 'number' | 'uid' | 'text';

const elements = {
  AffectedSOPClassUID: [0x0002, 'uid'],
  RequestedSOPClassUID: [0x0003, 'uid'],
  CommandField: [0x0100, 'number'],
  MessageID: [0x0110, 'number'],
  MessageIDBeingRespondedTo: [0x0120, 'number'],
  MoveDestination: [0x0600, 'text'],
  Priority: [0x0700, 'number'],
  CommandDataSetType: [0x0800, 'number'],
  Status: [0x0900, 'number'],
  ErrorComment: [0x0902, 'text'],
  AffectedSOPInstanceUID: [0x1000, 'uid'],
  NumberOfRemainingSuboperations: [0x1020, 'number'],
  NumberOfCompletedSuboperations: [0x1021, 'number'],
  NumberOfFailedSuboperations: [0x1022, 'number'],
  NumberOfWarningSuboperations: [0x1023, 'number'],
  MoveOriginatorApplicationEntityTitle: [0x1030, 'text'],
  MoveOriginatorMessageID: [0x1031, 'number'],
} as const satisfies Record<string, readonly [number, Kind]>;

type Elements = typeof elements;
export type Command = {
  -readonly [Name in keyof Elements]?: Elements[Name][1] extends 'number' ? number : string;
};

export const commandField = { store: 0x0001, get: 0x0010, find: 0x0020, move: 0x0021, echo: 0x0030, cancel: 0x0fff, response: 0x8000 } as const; // prettier-ignore
export const noDataSet = 0x0101;

const entries = Object.entries(elements) as [keyof Command, readonly [number, Kind]][];
const byElement = new Map(entries.map(([name, [element, kind]]) => [element, { name, kind }] as const));

/** Elements that are not of use here are passed over. @throws what breaks the protocol. */
export function parseCommand(bytes: Buffer): Command & { CommandField: number } {
  const command: Record<string, number | string> = {};
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.length - at < 8 ? Infinity : bytes.readUInt32LE(at + 4);
    if (at + 8 + length > bytes.length || bytes.readUInt16LE(at) !== 0)
      throw broken(abortReason.invalidParameter, 'A command set cannot be read');
    const known = byElement.get(bytes.readUInt16LE(at + 2));
    const value = bytes.subarray(at + 8, at + 8 + length);
    // Some senders pad a number, or write an odd length.
    if (known?.kind === 'number') {
      if (value.length >= 2) command[known.name] = value.readUInt16LE(0);
    } else if (known) command[known.name] = trimEnd(value.toString('latin1'), '\0 ').trimStart();
    at += 8 + length;
  }
  if (typeof command['CommandField'] !== 'number')
    throw broken(abortReason.invalidParameter, 'A command set names no command');
  return command as Command & { CommandField: number };
}

/** With its group length; a data set follows if `CommandDataSetType` is not `noDataSet`. */
export function commandBytes(command: Command): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, [element, kind]] of entries) {
    const value = command[name];
    if (value === undefined) continue;
    parts.push(elementOf(element, kind === 'number' ? numberBytes(Number(value)) : textBytes(String(value), kind)));
  }
  const rest = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(rest.length);
  return Buffer.concat([elementOf(0, length), rest]);
}

function elementOf(element: number, value: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & 0xffff);
  return bytes;
}

function textBytes(text: string, kind: Kind): Buffer {
  return Buffer.from(text.length % 2 === 0 ? text : text + (kind === 'uid' ? '\0' : ' '), 'latin1');
}
