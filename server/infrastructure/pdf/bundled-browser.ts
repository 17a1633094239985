import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib';

/**
 * The headless Chromium inside the npm package `@sparticuz/chromium` (Linux x64 only), unpacked into a folder
 * of our own. The package itself would unpack into a well-known name in the shared temporary folder, where
 * another user of the machine could have put something else.
 *
 * Beyond a base system the binary lacks NSS; the package brings it in an archive meant for another platform.
 *
 * @returns undefined on other platforms, or where the package is not installed.
 */
export async function unpackBundledBrowser(
  cacheFolder: string,
): Promise<{ executable: string; libraries: string; args: string[] } | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const bin = packageFolder();
  if (bin === undefined) return undefined;
  const version = (JSON.parse(await readFile(join(bin, '..', 'package.json'), 'utf8')) as { version: string }).version;
  const folder = join(cacheFolder, `chromium-${version}`);
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o700 });
    const executable = createWriteStream(join(part, 'chromium'), { mode: 0o700 });
    await pipeline(createReadStream(join(bin, 'chromium.br')), createBrotliDecompress(), executable);
    await unpackTar(brotliDecompressSync(await readFile(join(bin, 'al2023.tar.br'))), part);
    // Two processes may unpack at once; the first rename wins, both results are the same.
    await rename(part, folder).catch(() => rm(part, { recursive: true, force: true }));
  }
  return {
    executable: join(folder, 'chromium'),
    libraries: join(folder, 'lib'),
    args: ['--font-render-hinting=none'],
  };
}

function packageFolder(): string | undefined {
  try {
    // The package's entry is build/index.js; its exports hide package.json.
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const bin = join(dirname(entry), '..', 'bin');
    return existsSync(join(bin, 'chromium.br')) ? bin : undefined;
  } catch {
    return undefined;
  }
}

/** Files of a ustar archive into `folder/lib`, by their last name: no path of the archive is followed. */
async function unpackTar(archive: Buffer, folder: string): Promise<void> {
  const lib = join(folder, 'lib');
  await mkdir(lib, { recursive: true, mode: 0o700 });
  for (let at = 0; at + 512 <= archive.length;) {
    const header = archive.subarray(at, at + 512);
    const name = header.toString('latin1', 0, 100).split('\0', 1)[0]!;
    if (name === '') return;
    const size = Number.parseInt(header.toString('latin1', 124, 136), 8);
    const isFile = header[156] === 0x30 || header[156] === 0;
    if (isFile)
      await writeFile(join(lib, basename(name)), archive.subarray(at + 512, at + 512 + size), { mode: 0o700 });
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
