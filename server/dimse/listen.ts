import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { DimseSettings } from './settings.ts';

/** Connections beside the associations: those that have not asked yet, and those that are told that there are too many. */
const spare = 4;

export interface Listener {
  /** The ports that were taken, without and with TLS. */
  port: number | undefined;
  tlsPort: number | undefined;
  /** Takes nothing new; resolves when all connections have ended, which are cut off after a while. */
  close(patienceMs: number): Promise<void>;
}

/** Takes connections on both ports. One machine has half of the places at most, so that it does not keep the others out. */
export async function listen(settings: DimseSettings, serve: (socket: Socket) => Promise<void>): Promise<Listener> {
  const sockets = new Set<Socket>();
  const most = settings.mostAssociations * spare;
  const ofOne = (address: string | undefined) => [...sockets].filter((one) => one.remoteAddress === address).length;
  const take = (socket: Socket) => {
    if (sockets.size >= most || ofOne(socket.remoteAddress) >= most / 2) return void socket.destroy();
    sockets.add(socket);
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    // A connection that breaks is told to whoever reads it; without a listener it would end the process.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    void serve(socket).finally(() => setTimeout(() => socket.destroy(), settings.patienceMs).unref());
  };
  const servers: Server[] = [];
  const open = async (server: Server, port: number): Promise<number> => {
    server.maxConnections = most;
    servers.push(server);
    await new Promise<void>((done, fail) => server.once('error', fail).listen(port, settings.host, done));
    server.removeAllListeners('error').on('error', () => undefined);
    return (server.address() as AddressInfo).port;
  };
  const port =
    settings.port === undefined ? undefined : await open(createServer({ noDelay: true }, take), settings.port);
  const tlsPort = settings.tlsPort === undefined ? undefined : await open(tlsServer(settings, take), settings.tlsPort);
  return {
    port,
    tlsPort,
    async close(patienceMs) {
      const late = setTimeout(() => sockets.forEach((socket) => socket.destroy()), patienceMs);
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
      clearTimeout(late);
    },
  };
}

/** With authorities, callers show a certificate that one of them has signed (PS3.15 B.9 and later: TLS 1.2 at least). */
function tlsServer({ tls, patienceMs }: DimseSettings, take: (socket: Socket) => void): Server {
  const asks = tls?.ca !== undefined;
  const options = { ...tls, minVersion: 'TLSv1.2', requestCert: asks, rejectUnauthorized: asks } as const;
  const server = createTlsServer({ ...options, handshakeTimeout: patienceMs }, take);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
