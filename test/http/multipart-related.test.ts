import { describe, expect, it } from 'vitest';
import { mediaType } from '../../server/http/answer/media-type.ts';
import { multipartRelated } from '../../server/http/request/multipart-related.ts';

async function* inPieces(body: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(body, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function parts(
  body: string,
  { boundary = 'b', size = 1_000_000 } = {},
): Promise<{ headers: Record<string, string>; text: string }[]> {
  const found = [];
  for await (const { headers, body: content } of multipartRelated(inPieces(body, size), boundary)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    found.push({ headers: Object.fromEntries(headers), text: Buffer.concat(chunks).toString('latin1') });
  }
  return found;
}

const texts = async (body: string, options?: { boundary?: string; size?: number }) =>
  (await parts(body, options)).map(({ text }) => text);

describe('a multipart body', () => {
  const body =
    'preamble\r\n--b\r\nContent-Type: application/dicom\r\nX: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b  \r\nA:b\r\n\r\n--b--\r\nepilogue';

  it('is read part by part, with or without headers, content or preamble', async () => {
    expect(await parts(body)).toEqual([
      { headers: { 'content-type': 'application/dicom', x: '1' }, text: 'one' },
      { headers: {}, text: 'two\r\n' },
      { headers: { a: 'b' }, text: '' },
    ]);
  });

  it('is the same however it is cut into chunks', async () => {
    const whole = await parts(body);
    for (let size = 1; size < 40; size++) expect(await parts(body, { size })).toEqual(whole);
  });

  it('may begin with its first delimiter and end without a line end', async () => {
    expect(await texts('--b\r\n\r\nx\r\n--b--')).toEqual(['x']);
    expect(await texts('\r\n--b\r\n\r\nx\r\n--b--')).toEqual(['x']);
  });

  it('takes the boundary for content where it is no line of its own', async () => {
    const content = 'x--b\r\n--bb\r\n --b\r\n\r\n\n--b--\r\n--bx--\r\n--b!\r\n-';
    for (const size of [1, 2, 3, 5, 7, 1000])
      expect(await texts(`--b\r\n\r\n${content}\r\n--b--`, { size })).toEqual([content]);
  });

  it('keeps content that looks like the beginning of a delimiter', async () => {
    const content = '\r\n--\r\r\n-\r\n--';
    for (const size of [1, 2, 3, 1000])
      expect(await texts(`--b\r\n\r\n${content}\r\n--b--`, { size })).toEqual([content]);
  });

  it('skips a part that nobody reads', async () => {
    const seen: string[] = [];
    for await (const { headers } of multipartRelated(inPieces(body, 3), 'b')) seen.push(headers.get('x') ?? '-');
    expect(seen).toEqual(['1', '-', '-']);
  });

  it('is refused when it ends early or has no headers where they must be', async () => {
    for (const cut of [
      '',
      'x',
      '--b',
      '--b\r\n',
      '--b\r\n\r\n',
      '--b\r\n\r\nx',
      '--b\r\n\r\nx\r\n--b',
      '--b\r\n\r\nx\r\n--b-',
      '--b\r\nno colon\r\n\r\nx\r\n--b--',
    ])
      await expect(texts(cut), JSON.stringify(cut)).rejects.toMatchObject({ code: 'structure' });
    for (const head of [`A: ${'x'.repeat(40_000)}\r\n`, 'A: x\r\n'.repeat(65), `A: ${'x'.repeat(9000)}\r\n`.repeat(2)])
      await expect(texts(`--b\r\n${head}\r\nx\r\n--b--`, { size: 1000 })).rejects.toMatchObject({
        code: 'too-long',
      });
  });
});

describe('a Content-Type', () => {
  it.each([
    ['multipart/related; type="application/dicom"; boundary=abc', 'application/dicom', 'abc'],
    ['Multipart/Related;boundary="a b;c=\\"d";type=application/dicom', 'application/dicom', 'a b;c="d'],
    ['multipart/related; TYPE=application/dicom; Boundary==_Part_1=', 'application/dicom', '=_Part_1='],
    ['multipart/related; boundary=a; boundary=b', undefined, 'a'],
  ])('%s', (header, type, boundary) => {
    const found = mediaType(header)!;
    expect(found.media).toBe('multipart/related');
    expect(found.parameters.get('type')).toBe(type);
    expect(found.parameters.get('boundary')).toBe(boundary);
  });

  it('is none when it has no slash', () => {
    for (const header of ['', 'x', '/', ';', 'a/b c']) expect(mediaType(header)).toBeUndefined();
  });
});
