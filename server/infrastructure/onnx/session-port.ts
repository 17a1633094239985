import type { SentSetup, SessionSetup } from './inference-messages.ts';

/** The way from a session to who asks it. */
export interface SessionPort {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  postMessage(message: object): void;
}

/**
 * In a session process: what it shall run, from its parent (`SessionProcess`). The model comes by standard input, because
 * a message is copied several times on its way. The process ends when its parent is gone or ends it; a signal to the
 * whole group (Ctrl-C) is not for it, because the server ends what is under way first.
 */
export async function fromParent(): Promise<{ port: SessionPort; setup: SessionSetup }> {
  process.once('disconnect', () => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const { size, ...setup } = await new Promise<SentSetup>((resolve) => process.once('message', resolve));
  const bytes = new Uint8Array(size);
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes.set(chunk, length);
    length += chunk.length;
  }
  const port: SessionPort = {
    on: (event, listener) => process.on(event, listener),
    postMessage: (message) => void process.send!(message),
  };
  return { port, setup: { ...setup, bytes } };
}
