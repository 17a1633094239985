import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../core/world.ts';
import { PartStore } from '../infrastructure/uploads/part-store.ts';
import { threadedUploads } from '../infrastructure/uploads/threaded-uploads.ts';
import { uploadRoutes } from '../portal/uploads/uploads.ts';
import type { ApiRoute } from '../portal/api/api-route.ts';
import type { Start } from './start.ts';

const hour = 3_600_000;
/** What is begun again after its time had come is not taken away under the hands of who does. */
const grace = hour;

/** Uploads from browsers: the shelf of their parts, which is swept every hour, and the threads that read them. */
export async function openUploads({ config, closing, log }: Start, world: World): Promise<ApiRoute[]> {
  const folder = join(config.dataDir, 'uploads');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keepMs = config.uploads.keepHours * hour;
  const shelf = new PartStore(folder, { keepMs });
  const reader = threadedUploads();
  const sweep = async () => {
    try {
      const count = await shelf.sweep(new Date(Date.now() - keepMs - grace));
      if (count > 0) log.info({ kind: 'abandoned uploads', count }, 'housekeeping');
    } catch (err) {
      log.warn({ err, kind: 'abandoned uploads' }, 'housekeeping failed');
    }
  };
  const timer = setInterval(() => void sweep(), hour).unref();
  void sweep();
  closing.push(reader.close, async () => clearInterval(timer));
  const onFault = (err: unknown) => log.error({ err }, 'an uploaded image could not be stored');
  return uploadRoutes({ world, shelf, reader, limits: config.uploads, onFault });
}
