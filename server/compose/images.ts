import { join } from 'node:path';
import type { RecordChecker } from '../core/records/record-checker.ts';
import type { Blobs } from '../core/studies/blobs.ts';
import { diskBlobs } from '../infrastructure/blobs/disk.ts';
import { threadedPixels, type PixelThreads } from '../infrastructure/codecs/pixel-decoder.ts';
import { dicomReader, type ThreadedReader } from '../infrastructure/dicom-reader/threaded-reader.ts';
import { recordChecker } from '../infrastructure/threads/record-checker.ts';
import type { Start } from './start.ts';

export interface Images {
  blobs: Blobs;
  reader: ThreadedReader;
  pixels: PixelThreads;
  checker: RecordChecker;
}

/** The store of bytes, and what reads them in threads. No thread starts before there is something to read. */
export async function openImages({ config, settings, closing }: Start): Promise<Images> {
  const blobs = await diskBlobs(join(config.dataDir, 'blobs'));
  const reader = dicomReader();
  const pixels = threadedPixels(blobs);
  const checker = recordChecker({ baseUrl: settings.fhirBaseUrl, timeZone: settings.timeZone });
  closing.push(reader.close, pixels.close, checker.close);
  return { blobs, reader, pixels, checker };
}
