import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { repairedFile, type RepairedFile } from '../../core/dicom/repair/repair-file.ts';
import type { ReceivedBlob } from '../../core/studies/blobs.ts';
import { Problem } from '../../core/problem.ts';
import { fileSource } from './file-source.ts';

const piece = 1 << 20;

export type Repaired = ReceivedBlob & Omit<RepairedFile, 'segments'>;

/**
 * Writes a broken file again as it should have been, beside it. The same bytes are repaired to the same bytes, so that an
 * instance that is sent again is known.
 *
 * @returns undefined where it is not repaired
 */
export function writeRepaired(path: string): Repaired | undefined {
  const from = openSync(path, 'r');
  try {
    const source = fileSource(from);
    const { segments, ...rest } = repairedFile(source);
    const target = `${path}.repaired`;
    const into = openSync(target, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let size = 0;
      const append = (bytes: Uint8Array) => {
        hash.update(bytes);
        for (let done = 0; done < bytes.length;) done += writeSync(into, bytes, done);
        size += bytes.length;
      };
      for (const segment of segments) {
        if (segment instanceof Uint8Array) append(segment);
        else
          for (let at = 0; at < segment.length; at += piece)
            append(source.bytes(segment.offset + at, Math.min(piece, segment.length - at)));
      }
      return { ...rest, digest: hash.digest('hex'), size, path: target };
    } catch (error) {
      rmSync(target, { force: true });
      throw error;
    } finally {
      closeSync(into);
    }
  } catch (error) {
    if (error instanceof Problem && error.code !== 'too-costly') return undefined;
    throw error;
  } finally {
    closeSync(from);
  }
}
