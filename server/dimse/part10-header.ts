import { withHeader } from '../core/dicom/write-element.ts';
import { implementationClassUid } from './upper-layer/associate.ts';

const explicitLittle = { explicit: true, littleEndian: true };
const latin = (text: string) => Buffer.from(text, 'latin1');

/**
 * Preamble and file meta information (PS3.10 7.1) for a data set as it came by C-STORE. The same for the same instance whoever sends it
 * and whenever, because files of other bytes are other content: so no AE title and no version stands in it.
 */
export function part10Header(sopClass: string, sopInstance: string, transferSyntax: string): Buffer {
  const group = Buffer.concat([
    withHeader('00020001', 'OB', Uint8Array.of(0, 1), explicitLittle),
    withHeader('00020002', 'UI', latin(sopClass), explicitLittle),
    withHeader('00020003', 'UI', latin(sopInstance), explicitLittle),
    withHeader('00020010', 'UI', latin(transferSyntax), explicitLittle),
    withHeader('00020012', 'UI', latin(implementationClassUid), explicitLittle),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(group.length);
  return Buffer.concat([Buffer.alloc(128), latin('DICM'), withHeader('00020000', 'UL', length, explicitLittle), group]);
}
