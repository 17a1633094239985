import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { multipartRelated } from '../../server/http/request/multipart-related.ts';

const seeded = { seed: 20261126, numRuns: 400 };
const boundary = 'b-B';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(
  source: AsyncIterable<Uint8Array>,
  limit?: number,
): Promise<{ head: [string, string][]; body: string }[]> {
  const parts = [];
  for await (const { headers, body } of multipartRelated(source, boundary, limit)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    parts.push({ head: [...headers], body: Buffer.concat(chunks).toString('latin1') });
  }
  return parts;
}

// Bytes that are mostly what the format is made of: that is where a reader goes wrong.
const pieces = [
  '\r\n',
  '\r',
  '\n',
  '--',
  '-',
  boundary,
  `--${boundary}`,
  `\r\n--${boundary}`,
  ' ',
  '\t',
  ':',
  'x',
  '\0',
  'ÿ',
];
const content = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((some) => some.join(''));
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
/** Not what ends a part by itself. */
const isPlain = (text: string) => !/(^|\r\n)--b-B(--|[ \t]*(\r\n|$))/.test(`${text}\r\n`);
const part = fc.record({
  head: fc.uniqueArray(fc.constantFrom('a', 'content-type', 'x-y'), { maxLength: 3 }),
  body: content.filter(isPlain),
});

test('what was put into parts comes out of them, however the bytes are cut', async () => {
  const property = fc.asyncProperty(
    fc.array(part, { minLength: 1, maxLength: 5 }),
    sizes,
    content,
    async (parts, cuts, after) => {
      const text = parts
        .map(({ head, body }) => `--${boundary}\r\n${head.map((name) => `${name}: v\r\n`).join('')}\r\n${body}\r\n`)
        .join('');
      const bytes = Buffer.from(`${text}--${boundary}--${after}`, 'latin1');
      const wanted = parts.map(({ head, body }) => ({ head: head.map((name) => [name, 'v']), body }));
      expect(await read(cut(bytes, cuts))).toEqual(wanted);
    },
  );
  await fc.assert(property, seeded);
});

test('any bytes are parts or a refusal, and the same ones however they are cut', async () => {
  const outcome = (bytes: Buffer, cuts: number[]) =>
    read(cut(bytes, cuts), 6).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      return error.code;
    });
  const property = fc.asyncProperty(content, content, sizes, async (before, behind, cuts) => {
    const bytes = Buffer.from(`--${boundary}\r\n${before}${behind}`, 'latin1');
    expect(await outcome(bytes, cuts)).toEqual(await outcome(bytes, [bytes.length]));
  });
  await fc.assert(property, seeded);
});

test('a part that is read in part only is skipped to its end', async () => {
  const bytes = Buffer.from(
    `--${boundary}\r\n\r\n${'x'.repeat(500)}\r\n--${boundary}\r\nn: 2\r\n\r\ny\r\n--${boundary}--`,
  );
  const seen: string[] = [];
  for await (const { headers, body } of multipartRelated(cut(bytes, [50]), boundary)) {
    seen.push(headers.get('n') ?? '1');
    for await (const chunk of body) if (chunk.length > 0) break;
  }
  expect(seen).toEqual(['1', '2']);
});
