import { expect, test } from 'vitest';
import { memorySource } from '../../../server/core/dicom/byte-source.ts';
import { readDataSet } from '../../../server/core/dicom/data-set.ts';
import { asImplicit } from '../../../server/core/dicom/implicit-little-endian.ts';
import { dicomFile, type Element } from '../../harness/dicom-file.ts';

const elements: Element[] = [
  ['00080005', 'CS', 'ISO_IR 192'],
  ['00081140', 'SQ', [[['00081150', 'UI', '1.2.3'], ['00081155', 'UI', '1.2.3.4']], []]],
  ['00082112', 'SQ', [[['0040A170', 'SQ', [[['00080100', 'SH', '121320']], [['00080104', 'LO', 'Deep']]]], ['0008114A', 'SQ', []]]]],
  ['00091010', 'UN', Buffer.from([1, 2, 3, 4])],
  ['00100010', 'PN', Buffer.from('குமார்')],
  ['00280010', 'US', 2],
  ['00400440', 'SQ', [[['00091011', 'UN', Buffer.alloc(300, 5)]]]],
  ['7FE00010', 'OW', Buffer.alloc(70_000, 9)],
  ['FFFCFFFC', 'OB', Buffer.alloc(6)],
]; // prettier-ignore

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rewritten(bytes: Buffer, size: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of asImplicit(cut(bytes, size))) pieces.push(piece);
  return Buffer.concat(pieces);
}

const read = (bytes: Buffer, explicit: boolean) =>
  readDataSet(memorySource(bytes), 0, { explicit, littleEndian: true }, false).attributes;
/** Implicit VR has no VR for private elements, and where binary values lie is another place. */
const plain = (attributes: object) => JSON.stringify(attributes);

test.each([true, false])('a data set says the same in Implicit VR (undefined lengths: %s), wherever chunks end', async (undefinedLengths) => {
  const explicit = dicomFile(elements, { bare: true, undefinedLengths });
  const whole = await rewritten(explicit, explicit.length);
  expect(plain(read(whole, false))).toBe(plain(read(explicit, true)));
  for (const size of [1, 2, 3, 7, 11, 4096]) expect((await rewritten(explicit, size)).equals(whole)).toBe(true);
}); // prettier-ignore

test('UN of undefined length stays as it is, for it is Implicit VR already', async () => {
  const inner = dicomFile([['00081150', 'UI', '1.2.3'], ['00081140', 'SQ', [[['00081155', 'UI', '1.2']]]]], { bare: true, transferSyntax: '1.2.840.10008.1.2', undefinedLengths: true }); // prettier-ignore
  const item = Buffer.concat([Buffer.from('feff00e0ffffffff', 'hex'), inner, Buffer.from('feff0de000000000', 'hex')]);
  const unknown = Buffer.concat([Buffer.from('09001010554e0000ffffffff', 'hex'), item, Buffer.from('feffdde000000000', 'hex')]); // prettier-ignore
  const after = dicomFile([['00100020', 'LO', 'P-1']], { bare: true });
  const result = await rewritten(Buffer.concat([unknown, after]), 5);
  expect(result.includes(item)).toBe(true);
  expect(read(result, false)['00100020']).toEqual({ vr: 'LO', Value: ['P-1'] });
});

test.each([1, 9, 40, 700])('a data set without its last %i bytes is refused', async (less) => {
  const explicit = dicomFile(elements, { bare: true, undefinedLengths: true });
  await expect(rewritten(explicit.subarray(0, -less), 100)).rejects.toThrow('cut off');
});
