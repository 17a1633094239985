/** One element in explicit VR little endian (PS3.5 7.1.2). */
function element(tag: string, vr: string, value: Buffer): Buffer {
  const padded = value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const head = Buffer.alloc(vr === 'OW' || vr === 'OB' ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, 'latin1');
  if (head.length === 12) head.writeUInt32LE(padded.length, 8);
  else head.writeUInt16LE(padded.length, 6);
  return Buffer.concat([head, padded]);
}

const short = (tag: string, value: number): Buffer => element(tag, 'US', Buffer.from(Uint16Array.of(value).buffer));
const text = (tag: string, vr: string, value: string): Buffer => element(tag, vr, Buffer.from(value, 'latin1'));

/** A small explicit little endian DICOM file of 12-bit grey samples. */
export function explicitDicom(
  samples: Uint16Array,
  { rows, columns, photometric }: { rows: number; columns: number; photometric: string },
): Buffer {
  const syntax = text('00020010', 'UI', '1.2.840.10008.1.2.1');
  const meta = Buffer.concat([element('00020000', 'UL', Buffer.from(Uint32Array.of(syntax.length).buffer)), syntax]);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    meta,
    text('00080060', 'CS', 'DX'),
    short('00280002', 1),
    text('00280004', 'CS', photometric),
    short('00280010', rows),
    short('00280011', columns),
    short('00280100', 16),
    short('00280101', 12),
    short('00280102', 11),
    short('00280103', 0),
    text('00281050', 'DS', '2048'),
    text('00281051', 'DS', '4096'),
    element('7FE00010', 'OW', Buffer.from(samples.buffer)),
  ]);
}
