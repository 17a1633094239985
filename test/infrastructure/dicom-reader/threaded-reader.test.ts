import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomReader, type ThreadedReader } from '../../../server/infrastructure/dicom-reader/threaded-reader.ts';
import { dicomFile, header, imageElements, imageFile, syntaxes } from '../../harness/dicom-file.ts';

let folder: string;
let reader: ThreadedReader;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-reader-'));
  reader = dicomReader({ threads: 2, timeLimitMs: 20_000 });
});
afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true, force: true });
});

async function file(bytes: Buffer): Promise<string> {
  const path = join(folder, Math.random().toString(36).slice(2));
  await writeFile(path, bytes);
  return path;
}

describe('reading files in worker threads', () => {
  it('reads many at once', async () => {
    const paths = await Promise.all(Array.from({ length: 20 }, (_, i) => file(imageFile({ instance: `1.2.${i}` }))));
    const found = await Promise.all(paths.map((path) => reader.read(path)));
    expect(found.map(({ SOPInstanceUID }) => SOPInstanceUID)).toEqual(paths.map((_, i) => `1.2.${i}`));
  });

  it('passes refusals on as Problems and goes on with the next file', async () => {
    await expect(reader.read(await file(Buffer.from('no image')))).rejects.toMatchObject({
      name: 'Problem',
      code: 'structure',
    });
    await expect(reader.read(await file(imageFile({ with: [['00080018', 'UI', '../x']] })))).rejects.toMatchObject({
      code: 'value',
    });
    expect(await reader.read(await file(imageFile()))).toMatchObject({ SOPClassUID: '1.2.840.10008.5.1.4.1.1.2' });
  });

  it('says that the store is not available for a file that is not there', async () => {
    await expect(reader.read(join(folder, 'missing'))).rejects.toMatchObject({ code: 'transient' });
  });

  it('inflates a deflated file once, with offsets in the inflated copy', async () => {
    const bytes = imageFile({ transferSyntax: syntaxes.deflated, pixels: Buffer.alloc(512, 9) });
    const { inflated, frames, TransferSyntaxUID } = await reader.read(await file(bytes));
    expect(TransferSyntaxUID).toBe(syntaxes.deflated);
    const copy = await readFile(inflated!.path);
    expect(copy.length).toBe(inflated!.size);
    const at = frames as { offset: number; length: number };
    expect(copy.subarray(at.offset, at.offset + at.length)).toEqual(Buffer.alloc(512, 9));
    // The copy says what it is: any reader can read it.
    expect(await reader.read(await file(copy))).toMatchObject({ TransferSyntaxUID: syntaxes.explicit });
  });

  it('stops a deflate bomb, and refuses a broken stream, without leaving files', async () => {
    const start = dicomFile([], { transferSyntax: syntaxes.deflated }).subarray(0, -2);
    const bomb = deflateRawSync(
      Buffer.concat([
        header('00091010', 'OB', 300 << 20, { explicit: true, littleEndian: true }),
        Buffer.alloc(300 << 20),
      ]),
    );
    await expect(reader.read(await file(Buffer.concat([start, bomb])))).rejects.toMatchObject({ code: 'too-costly' });
    await expect(
      reader.read(await file(Buffer.concat([start, Buffer.from('no deflate stream')]))),
    ).rejects.toMatchObject({ code: 'structure' });
    const nameless = dicomFile(imageElements({ without: ['0020000D'] }), { transferSyntax: syntaxes.deflated });
    await expect(reader.read(await file(nameless))).rejects.toMatchObject({ code: 'required' });
    // The one of the test before.
    expect((await readdir(folder)).filter((name) => name.endsWith('.inflated'))).toHaveLength(1);
  });

  it('replaces a thread that takes too long; the next file is read', async () => {
    const hasty = dicomReader({ threads: 1, timeLimitMs: 1 });
    try {
      const items = Buffer.concat(
        Array.from({ length: 400_000 }, () => header('FFFEE000', '', 0, { explicit: true, littleEndian: true })),
      );
      const slow = Buffer.concat([
        dicomFile(imageElements().filter(([tag]) => tag < '0028')),
        header('30060010', 'SQ', items.length, { explicit: true, littleEndian: true }),
        items,
      ]);
      await expect(hasty.read(await file(slow))).rejects.toMatchObject({ code: 'too-costly' });
      const next = await hasty.read(await file(Buffer.from('short'))).catch((error: unknown) => error);
      expect(next).toMatchObject({ name: 'Problem' });
    } finally {
      await hasty.close();
    }
  });

  it('does not read what nobody waits for, and ends a thread that reads for nobody without leaving files', async () => {
    const one = dicomReader({ threads: 1 });
    try {
      const endless = deflateRawSync(Buffer.alloc(200 << 20), { level: 1 });
      const start = dicomFile([], { transferSyntax: syntaxes.deflated }).subarray(0, -2);
      const long = await file(Buffer.concat([start, endless.subarray(0, -8)]));
      const [left, waits] = [new AbortController(), new AbortController()];
      const reading = one.read(long, left.signal).catch((error: unknown) => error);
      const waiting = one.read(await file(imageFile()), waits.signal);
      waits.abort(new Error('gone'));
      await expect(waiting).rejects.toThrow('gone');
      left.abort(new Error('left'));
      expect(await reading).toBeInstanceOf(Error);
      expect(await one.read(await file(imageFile()))).toMatchObject({ TransferSyntaxUID: syntaxes.explicit });
      expect((await readdir(folder)).filter((name) => name === `${long.split('/').at(-1)}.inflated`)).toEqual([]);
    } finally {
      await one.close();
    }
  });

  it('refuses what still waits when it is closed', async () => {
    const closing = dicomReader({ threads: 1 });
    const waiting = closing.read(await file(imageFile())).catch((error: unknown) => error);
    await closing.close();
    const outcome = await waiting;
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'transient' });
    await expect(closing.read('x')).rejects.toMatchObject({ code: 'transient' });
  });
});
