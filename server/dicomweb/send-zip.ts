import { Problem } from '../core/problem.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import { zipStream, type ZipFile } from '../http/answer/zip-stream.ts';
import { send, type Exchange } from './exchange.ts';
import type { Part } from './write-multipart.ts';

/** Bytes of a file that an archive without ZIP64 sizes takes. */
const longest = 0xffffffff;

/**
 * Instances as an archive (PS3.18 8.7.3.4, `application/zip`): a folder for each series, files by number. The names are
 * those that media allow (PS3.10 8.5) and say nothing of anybody.
 *
 * @param parts of the instances, in the same order
 * @throws Problem `not-acceptable` for an instance of 4 GiB or more.
 */
export async function sendZip(
  ctx: Exchange,
  instances: readonly InstanceAddress[],
  parts: readonly Part[],
): Promise<void> {
  if (instances.some(({ size }) => size >= longest))
    throw new Problem(
      'not-acceptable',
      'An instance of 4 GiB or more does not go into an archive; retrieve it by itself',
    );
  ctx.set('Content-Disposition', 'attachment; filename="images.zip"');
  await send(ctx, 'application/zip', zipStream(namedFiles(instances, parts)));
}

function namedFiles(instances: readonly InstanceAddress[], parts: readonly Part[]): ZipFile[] {
  const series = new Map<string, { number: number; images: number }>();
  return instances.map(({ SeriesInstanceUID }, i) => {
    const found = series.get(SeriesInstanceUID) ?? { number: series.size + 1, images: 0 };
    series.set(SeriesInstanceUID, found);
    found.images += 1;
    const name = `DICOM/${numbered('SE', found.number)}/${numbered('IM', found.images)}`;
    return { name, chunks: () => parts[i]!.body() };
  });
}

const numbered = (prefix: string, number: number): string => prefix + String(number).padStart(6, '0');
