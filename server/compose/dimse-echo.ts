import { readFile } from 'node:fs/promises';
import { ConfigurationError, type Config } from '../config.ts';
import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import { echo } from '../dimse/call.ts';
import type { DimseSettings } from '../dimse/settings.ts';

const patienceMs = 10_000;

/** Asks another application entity whether it is there, for the page of AE titles; any `api` process can. */
export async function echoFrom(config: Config): Promise<(ae: RemoteAe) => Promise<number>> {
  const ours = await dimseIdentity(config);
  return (ae) => echo(ours, ae);
}

/** Who we are to others: our title, and with what we show it. */
export async function dimseIdentity({ dimse }: Config): Promise<Pick<DimseSettings, 'title' | 'tls' | 'patienceMs'>> {
  return { title: dimse.title, tls: dimse.tls && (await readTls(dimse.tls)), patienceMs };
}

async function readTls({ key, cert, ca }: NonNullable<Config['dimse']['tls']>): Promise<DimseSettings['tls']> {
  const read = (variable: string, path: string) =>
    readFile(path).catch((cause: unknown) => {
      throw new ConfigurationError(`${variable}: ${path} cannot be read`, { cause });
    });
  return {
    key: await read('DIMSE_TLS_KEY', key),
    cert: await read('DIMSE_TLS_CERT', cert),
    ...(ca !== undefined && { ca: await read('DIMSE_TLS_CA', ca) }),
  };
}
