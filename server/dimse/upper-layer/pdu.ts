/** Protocol data units of the DICOM upper layer as bytes (PS3.8 9.3). */
import { Problem } from '../../core/problem.ts';

export const pduType = { associateRequest: 1, accept: 2, reject: 3, data: 4, releaseRequest: 5, releaseReply: 6, abort: 7 } as const; // prettier-ignore

/** Of type, reserved byte and length. */
export const pduHeaderLength = 6;
/** Of one presentation data value: its length, the context, the control byte. */
export const pdvHeaderLength = 6;

/** Reasons of an A-ABORT by the service provider (PS3.8 Table 9-26). */
export const abortReason = { notSpecified: 0, unrecognizedPdu: 1, unexpectedPdu: 2, unexpectedParameter: 5, invalidParameter: 6 } as const; // prettier-ignore

export interface Pdu {
  type: number;
  /** Of what follows the header. */
  length: number;
  /** Empty for data, which is read on piece by piece. */
  body: Buffer;
}

/** What breaks the protocol: the association is aborted with that reason. */
export function broken(reason: number, message: string): Problem {
  return new Problem('structure', message, { cause: reason });
}

export function abortReasonOf(error: unknown): number {
  return error instanceof Problem && typeof error.cause === 'number' ? error.cause : abortReason.notSpecified;
}

export function pdu(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(pduHeaderLength + body.length);
  bytes[0] = type;
  bytes[1] = 0;
  bytes.writeUInt32BE(body.length, 2);
  bytes.set(body, pduHeaderLength);
  return bytes;
}

/** Result, source and reason of PS3.8 Table 9-21. */
export interface Rejection {
  result: 1 | 2;
  source: 1 | 2 | 3;
  reason: number;
}

export function rejectPdu({ result, source, reason }: Rejection): Buffer {
  return pdu(pduType.reject, Uint8Array.of(0, result, source, reason));
}

export function abortPdu(source: 0 | 2, reason: number): Buffer {
  return pdu(pduType.abort, Uint8Array.of(0, 0, source, reason));
}

export const releaseRequestPdu = (): Buffer => pdu(pduType.releaseRequest, Buffer.alloc(4));
export const releaseReplyPdu = (): Buffer => pdu(pduType.releaseReply, Buffer.alloc(4));
