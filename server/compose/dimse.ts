import type { World } from '../core/world.ts';
import { storedFiles } from '../dicomweb/stored-files.ts';
import { dimseFace, type DimseFace } from '../dimse/face.ts';
import { dimseIdentity } from './dimse-echo.ts';
import { refusalLog } from './faces.ts';
import type { Start } from './start.ts';

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
      ...(await dimseIdentity(config)),
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
