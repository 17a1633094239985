/**
 * A ZIP archive (APPNOTE 6.3.10) written while its files are read: nothing is kept in memory but the names. Files are stored as they
 * are, because what goes through here is compressed already or not worth it. Sizes and sums follow each file (general purpose bit
 * 3); offsets and counts beyond 32 and 16 bits are told in ZIP64 records.
 */
import { crc32 } from 'node:zlib';

export interface ZipFile {
  /** Plain ASCII, with `/` between folders. */
  name: string;
  chunks(): AsyncIterable<Uint8Array>;
}

interface Entry {
  name: Buffer;
  sum: number;
  size: number;
  offset: number;
}

const most32 = 0xffffffff;
const most16 = 0xffff;
/** Sizes and sum come behind the file; names are UTF-8. */
const flags = 0x0808;
/** 1980-01-01: when a file was made is nobody's business here. */
const date = 0x0021;

/** @throws RangeError for a file of 4 GiB or more, which no reader of plain sizes would take. */
export async function* zipStream(files: Iterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const entries: Entry[] = [];
  let offset = 0;
  for (const { name, chunks } of files) {
    const entry: Entry = { name: Buffer.from(name, 'utf8'), sum: 0, size: 0, offset };
    const head = localHeader(entry);
    yield head;
    for await (const chunk of chunks()) {
      entry.sum = crc32(chunk, entry.sum);
      entry.size += chunk.length;
      if (entry.size >= most32) throw new RangeError('A file is too long for this archive.');
      yield chunk;
    }
    const end = descriptor(entry);
    yield end;
    offset += head.length + entry.size + end.length;
    entries.push(entry);
  }
  let length = 0;
  for (const entry of entries) {
    const record = centralHeader(entry);
    length += record.length;
    yield record;
  }
  yield ending(entries.length, length, offset);
}

/** 4.3.7 */
function localHeader({ name }: Entry): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt16LE(date, 12);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, name]);
}

/** 4.3.9 */
function descriptor({ sum, size }: Entry): Buffer {
  const end = Buffer.alloc(16);
  end.writeUInt32LE(0x08074b50, 0);
  end.writeUInt32LE(sum, 4);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(size, 12);
  return end;
}

/** 4.3.12; an offset beyond 32 bits stands in the extra field 0x0001 (4.5.3). */
function centralHeader({ name, sum, size, offset }: Entry): Buffer {
  const isFar = offset >= most32;
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(isFar ? 45 : 20, 4);
  head.writeUInt16LE(isFar ? 45 : 20, 6);
  head.writeUInt16LE(flags, 8);
  head.writeUInt16LE(date, 14);
  head.writeUInt32LE(sum, 16);
  head.writeUInt32LE(size, 20);
  head.writeUInt32LE(size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(isFar ? 12 : 0, 30);
  head.writeUInt32LE(isFar ? most32 : offset, 42);
  if (!isFar) return Buffer.concat([head, name]);
  const extra = Buffer.alloc(12);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8, 2);
  extra.writeBigUInt64LE(BigInt(offset), 4);
  return Buffer.concat([head, name, extra]);
}

/** 4.3.14 to 4.3.16 */
function ending(count: number, length: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  for (const at of [8, 10]) end.writeUInt16LE(Math.min(count, most16), at);
  end.writeUInt32LE(Math.min(length, most32), 12);
  end.writeUInt32LE(Math.min(offset, most32), 16);
  if (count < most16 && length < most32 && offset < most32) return end;
  const far = Buffer.alloc(56 + 20);
  far.writeUInt32LE(0x06064b50, 0);
  far.writeBigUInt64LE(44n, 4);
  far.writeUInt16LE(45, 12);
  far.writeUInt16LE(45, 14);
  far.writeBigUInt64LE(BigInt(count), 24);
  far.writeBigUInt64LE(BigInt(count), 32);
  far.writeBigUInt64LE(BigInt(length), 40);
  far.writeBigUInt64LE(BigInt(offset), 48);
  far.writeUInt32LE(0x07064b50, 56);
  far.writeBigUInt64LE(BigInt(offset + length), 64);
  far.writeUInt32LE(1, 72);
  return Buffer.concat([far, end]);
}
