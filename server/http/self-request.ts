import { createServer, request, type IncomingMessage } from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Koa from 'koa';
import { koaListener } from './koa-listener.ts';
import type { State } from './state.ts';

const own = new WeakSet<object>();

/** Whether the server asked itself: such requests are in no log and no statistics unless they fail. */
export function isSelfRequest({ socket }: IncomingMessage): boolean {
  return own.has(socket);
}

/**
 * Asks the whole HTTP stack a question, by a connection in memory: what every request of others meets (parser,
 * middleware, routers) is used for real, without a port, a proxy or a certificate in between.
 *
 * @param host the name that the server answers for.
 */
export function selfRequests(
  app: Koa<State>,
  host: string,
): (path: string) => Promise<{ status: number; body: string }> {
  const server = createServer(koaListener(app));
  return (path) =>
    new Promise((done, fail) => {
      const [here, there] = duplexPair();
      own.add(there);
      server.emit('connection', Object.assign(there, { remoteAddress: '127.0.0.1' }));
      const end = (error?: Error) => {
        here.destroy();
        there.destroy();
        if (error) fail(error);
      };
      const options = { path, headers: { Host: host, Connection: 'close' }, createConnection: (): Duplex => here };
      const asking = request(options, (answer) => {
        text(answer).then((body) => {
          done({ status: answer.statusCode ?? 0, body });
          end();
        }, end);
      });
      asking.once('error', end).end();
    });
}

export interface SelfWatch {
  /** Why only a restart helps. */
  beyondHelp(): string | undefined;
  stop(): void;
}

/**
 * Asks again and again. What one failure means may pass; one that lasts makes the process unhealthy, and one that
 * lasts twice as long ends it, for those who watch processes and not addresses.
 *
 * @param ask throws, or does not answer, when the server does not work.
 */
export function watchSelf(
  ask: () => Promise<void>,
  options: { everyMs: number; patienceMs: number; onDead: () => void },
): SelfWatch {
  let wellAt = performance.now();
  let asking = false;
  const timer = setInterval(() => {
    if (performance.now() - wellAt > 2 * options.patienceMs) {
      clearInterval(timer);
      options.onDead();
      return;
    }
    if (asking) return;
    asking = true;
    ask()
      .then(() => (wellAt = performance.now()))
      .catch(() => undefined)
      .finally(() => (asking = false));
  }, options.everyMs);
  timer.unref();
  return {
    beyondHelp() {
      const seconds = Math.round((performance.now() - wellAt) / 1000);
      return seconds * 1000 > options.patienceMs ? `the server has not answered itself for ${seconds} s` : undefined;
    },
    stop: () => clearInterval(timer),
  };
}
