import { request, type ClientRequest } from 'node:http';
import { crc32, deflateRawSync } from 'node:zlib';
import type { TestServer } from './server.ts';

/** How a browser uploads, as tus 1.0 says it: no code of the server or of its client is used. */
export interface Uploader {
  begin(length: number, type?: string): Promise<Response>;
  /** Sends bytes from a place on. */
  part(location: string, bytes: Uint8Array, offset?: number): Promise<Response>;
  offset(location: string): Promise<Response>;
  remove(location: string): Promise<Response>;
  /** Begins and sends in one part. @returns the id @throws what was refused. */
  whole(bytes: Uint8Array): Promise<string>;
  store(body: object): Promise<Response>;
  /** Uploads and stores; the outcomes. */
  bring(files: readonly Uint8Array[], more?: object): Promise<Outcome[]>;
}

export interface Outcome {
  upload: string;
  state: string;
  why?: string;
  study?: string;
  ask?: true;
  says?: string[];
  contents?: Record<string, number>;
}

export const idOf = (location: string): string => location.slice(location.lastIndexOf('/') + 1);

export function uploader(server: Pick<TestServer, 'url'>, token: string | undefined): Uploader {
  const common = {
    'Tus-Resumable': '1.0.0',
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array | string) =>
    fetch(new URL(path, server.url), {
      method,
      headers: { ...common, ...headers },
      ...(body !== undefined && { body: body as BodyInit }),
    });
  const begin: Uploader['begin'] = (length, type) =>
    send('POST', '/portal/uploads', {
      'Upload-Length': String(length),
      ...(type !== undefined && {
        'Upload-Metadata': `filename ${btoa('Arjun Rao chest.jpg')},filetype ${btoa(type)}`,
      }),
    });
  const part: Uploader['part'] = (location, bytes, offset = 0) =>
    send(
      'PATCH',
      location,
      { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) },
      bytes,
    );
  const store: Uploader['store'] = (body) =>
    send('POST', '/portal/uploads/store', { 'Content-Type': 'application/json' }, JSON.stringify(body));
  const whole: Uploader['whole'] = async (bytes) => {
    const begun = await begin(bytes.length);
    if (begun.status !== 201) throw new Error(`POST: ${begun.status} ${await begun.text()}`);
    const location = begun.headers.get('Location')!;
    const sent = await part(location, bytes);
    if (sent.status !== 204) throw new Error(`PATCH: ${sent.status} ${await sent.text()}`);
    return idOf(location);
  };
  return {
    begin,
    part,
    store,
    whole,
    offset: (location) => send('HEAD', location),
    remove: (location) => send('DELETE', location),
    async bring(files, more = {}) {
      const ids: string[] = [];
      for (const bytes of files) ids.push(await whole(bytes));
      const answer = await store({ files: ids.map((upload) => ({ upload })), ...more });
      if (answer.status !== 200) throw new Error(`store: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { files: Outcome[] }).files;
    },
  };
}

/** A part that says how long it is, and is written by hand. */
export function partOf(url: URL, token: string, length: number): ClientRequest {
  return request(url, {
    method: 'PATCH',
    headers: {
      Authorization: `Bearer ${token}`,
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': '0',
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': String(length),
    },
  });
}

export interface ZipEntry {
  name: string;
  bytes: Uint8Array;
  /** Of the general purpose flags: 1 is encrypted. */
  flags?: number;
  /** What the table of contents says instead of the truth. */
  claims?: { size?: number; crc?: number };
  stored?: boolean;
}

/** Writes a ZIP archive, a good one or a hostile one: nothing is checked. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, flags = 0x800, claims = {}, stored = false } of entries) {
    const packed = stored ? Buffer.from(bytes) : deflateRawSync(bytes);
    const fields = (signature: number, length: number) => {
      const header = Buffer.alloc(length);
      header.writeUInt32LE(signature, 0);
      const from = length === 30 ? 4 : 6;
      header.writeUInt16LE(20, from);
      header.writeUInt16LE(flags, from + 2);
      header.writeUInt16LE(stored ? 0 : 8, from + 4);
      header.writeUInt32LE(claims.crc ?? crc32(bytes), from + 10);
      header.writeUInt32LE(packed.length, from + 14);
      header.writeUInt32LE(claims.size ?? bytes.length, from + 18);
      header.writeUInt16LE(Buffer.byteLength(name), from + 22);
      return header;
    };
    const entry = fields(0x02014b50, 46);
    entry.writeUInt32LE(at, 42);
    locals.push(fields(0x04034b50, 30), Buffer.from(name), packed);
    central.push(entry, Buffer.from(name));
    at += 30 + Buffer.byteLength(name) + packed.length;
  }
  const table = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(table.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, table, end]);
}
