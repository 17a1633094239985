import { elementBytes } from './explicit-little-endian.ts';

/** Of what writes files here, in (0002,0012). */
const implementation = '2.25.209563207443811523117921164183012957103';

/**
 * Preamble, prefix and group 2 of a file that this server writes (PS3.10 7.1).
 * @param others elements of group 2 that are taken over from elsewhere, such as the implementation that wrote the data set
 */
export function fileMetaBytes(
  names: { SOPClassUID: string; SOPInstanceUID: string; TransferSyntaxUID: string },
  others: readonly { tag: string; vr: string; value: Uint8Array }[] = [],
): Uint8Array {
  const uid = (tag: string, value: string) => ({ tag, vr: 'UI', value: Buffer.from(value, 'latin1') });
  const elements = [
    { tag: '00020001', vr: 'OB', value: Uint8Array.of(0, 1) },
    uid('00020002', names.SOPClassUID),
    uid('00020003', names.SOPInstanceUID),
    uid('00020010', names.TransferSyntaxUID),
  ];
  if (!others.some(({ tag }) => tag === '00020012')) elements.push(uid('00020012', implementation));
  const group = Buffer.concat(
    [...elements, ...others]
      .sort((a, b) => (a.tag < b.tag ? -1 : 1))
      .flatMap(({ tag, vr, value }) => elementBytes(tag, vr, value)),
  );
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, group.length, true);
  const lengthElement = elementBytes('00020000', 'UL', new Uint8Array(length.buffer));
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), ...lengthElement, group]);
}
