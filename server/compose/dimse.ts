import { readFile } from 'node:fs/promises';
import { ConfigurationError, type Config } from '../config.ts';

import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae.ts';
import type { World } from '../core/world.ts';
import { storedFiles } from '../dicomweb/stored-files.ts';
import { echo } from '../dimse/call.ts';
import { dimseFace, type DimseFace } from '../dimse/face.ts';
import type { DimseSettings } from '../dimse/settings.ts';
import { refusalLog } from './faces.ts';
import type { Start } from './start.ts';

const patienceMs = 10_000;

/**
 * The DIMSE service, if this process does that and has a port for it. Opened when everything else has started.
 *
 * @throws NodeJS.ErrnoException when a port cannot be had; ConfigurationError when a file of TLS cannot be read.
 */
export async function openDimse(
  start: Pick<Start, 'config' | 'log' | 'closing'>,
  world: World,
): Promise<DimseFace | undefined> {
  const { config, log, closing } = start;
  const { port, tlsPort, host, associations, idleSeconds, privateClasses } = config.dimse;
  if (!config.roles.dimse || (port === undefined && tlsPort === undefined)) return undefined;
  const face = await dimseFace({
    world,
    settings: {
      ...(await oursOf(config)),
      ...{ host, port, tlsPort, privateClasses },
      mostAssociations: associations,
      idleMs: idleSeconds * 1000,
      instanceLimit: config.maxInstanceBytes,
    },
    refusals: refusalLog(start, world),
    files: (instances, transferSyntax) => storedFiles(world, transferSyntax)(instances),
    onFault: (err, requestId) => log.error({ err, requestId }, 'fault in an association'),
  });
  closing.push(face.close);
  return face;
}

/** Asks another application entity whether it is there, for the page of AE titles; any `api` process can. */
export async function echoFrom(config: Config): Promise<(ae: RemoteAe) => Promise<number>> {
  const ours = await oursOf(config);
  return (ae) => echo(ours, ae);
}

async function oursOf({ dimse }: Config): Promise<Pick<DimseSettings, 'title' | 'tls' | 'patienceMs'>> {
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
