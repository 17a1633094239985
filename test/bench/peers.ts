import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Peer {
  /** DICOMweb base URL. */
  url: string;
  stop(): Promise<void>;
}

export interface PeerServer extends Peer {
  /** Seconds of processor time that it has used. */
  processorSeconds(): number;
}

/** Debian's Orthanc with its DICOMweb plug-in, SQLite and an fsync for each file; undefined where it is not installed. */
export async function startOrthanc(): Promise<(PeerServer & { dicomPort: number }) | undefined> {
  const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
  if (!existsSync('/usr/sbin/Orthanc') || !existsSync(plugin)) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'csss-bench-orthanc-'));
  const [http, dicom] = [await freePort(), await freePort()];
  await writeFile(
    join(folder, 'orthanc.json'),
    JSON.stringify({
      Name: 'bench',
      StorageDirectory: join(folder, 'storage'),
      IndexDirectory: join(folder, 'storage'),
      HttpPort: http,
      DicomPort: dicom,
      DicomAet: 'ORTHANC',
      DicomCheckCalledAet: false,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: false,
      SyncStorageArea: true,
      StorageCompression: false,
      Plugins: [plugin],
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const child = spawn('/usr/sbin/Orthanc', [join(folder, 'orthanc.json')], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${http}/dicom-web`;
  await untilAnswers(`${url}/studies?limit=1`);
  return {
    url,
    processorSeconds: () => processorSeconds(child.pid!),
    dicomPort: dicom,
    async stop() {
      child.kill('SIGTERM');
      await new Promise((done) => child.once('exit', done));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** utime and stime of /proc/pid/stat, in ticks of 10 ms. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function untilAnswers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) {
      await answer.arrayBuffer();
      return;
    }
    await sleep(50);
  }
  throw new Error(`${url} did not answer within 30 s`);
}

export async function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
