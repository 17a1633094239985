/** The DIMSE service over TCP on a real database, blob store and codecs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusalLog } from '../../server/core/access/refusal-log.ts';
import { registerRemoteAe, type RemoteAeDraft } from '../../server/core/accounts/remote-aes/change-remote-ae.ts';
import { aePermissions } from '../../server/core/accounts/remote-aes/ae-principal.ts';
import type { RemoteAe } from '../../server/core/accounts/remote-aes/remote-ae-store.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { receiveInstance, storeInstances } from '../../server/core/studies/store-instance.ts';
import type { World } from '../../server/core/world.ts';
import { storedFiles } from '../../server/dicomweb/stored-files.ts';
import { dimseFace, type DimseFace } from '../../server/dimse/face.ts';
import type { DimseSettings } from '../../server/dimse/settings.ts';
import { diskBlobs } from '../../server/infrastructure/blobs/disk.ts';
import { threadedPixels } from '../../server/infrastructure/codecs/pixel-decoder.ts';
import { dicomReader } from '../../server/infrastructure/dicom-reader/threaded-reader.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import { testSettings, testWorld } from '../harness/world.ts';

export interface DimseServer {
  port: number;
  face: DimseFace;
  world: World;
  database: TestDatabase;
  /** What was thrown that is no Problem. */
  faults: unknown[];
  register(draft?: Partial<RemoteAeDraft>): Promise<RemoteAe>;
  store(...files: Uint8Array[]): Promise<void>;
  /** A plain connection, for bytes of any kind. */
  connect(): Promise<Socket>;
  close(): Promise<void>;
}

export async function dimseServer(settings: Partial<DimseSettings> = {}): Promise<DimseServer> {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'csss-dimse-'));
  const blobs = await diskBlobs(folder, { reserve: 0 });
  const pixels = threadedPixels(blobs, { threads: 1 });
  const reader = dicomReader({ threads: 1 });
  const world = testWorld(database, testSettings('http://127.0.0.1'), { blobs, pixels, reader });
  const faults: unknown[] = [];
  const face = await dimseFace({
    world,
    settings: {
      host: '127.0.0.1',
      port: 0,
      tlsPort: undefined,
      tls: undefined,
      title: 'CSSS',
      mostAssociations: 20,
      idleMs: 30_000,
      patienceMs: 20_000,
      privateClasses: new Set(),
      instanceLimit: 1 << 30,
      ...settings,
    },
    refusals: new RefusalLog(world, world.now),
    files: (instances, transferSyntax) => storedFiles(world, transferSyntax)(instances),
    onFault: (error) => faults.push(error),
  });
  const port = face.port ?? 0;
  return {
    port,
    face,
    world,
    database,
    faults,
    register: (draft = {}) =>
      world.transaction((stores) =>
        registerRemoteAe(
          stores,
          { title: 'MODALITY', name: 'A modality', addresses: ['127.0.0.1'], tls: false, may: aePermissions, disabled: false, ...draft },
          {},
        ),
      ), // prettier-ignore
    async store(...files) {
      const arriving = await Promise.all(files.map((file) => receiveInstance(world, chunked(file))));
      const { instances } = await storeInstances(world, systemPrincipal('test'), arriving);
      for (const one of instances) if (one.status !== 'stored') throw new Error(JSON.stringify(one));
    },
    connect: () =>
      new Promise((done, fail) => {
        const socket = connect(port, '127.0.0.1', () => done(socket)).once('error', fail);
      }),
    async close() {
      await face.close();
      await Promise.all([pixels.close(), reader.close()]);
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function* chunked(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}
