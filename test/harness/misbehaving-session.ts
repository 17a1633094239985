// A session process that does what its model's version says: hang, crash or take all memory while it is opened.
import { openSession } from '../../server/infrastructure/onnx/inference-session.ts';
import { serveSession } from '../../server/infrastructure/onnx/serve-session.ts';
import { fromParent } from '../../server/infrastructure/onnx/session-port.ts';

const { port, setup } = await fromParent();
await serveSession(port, setup, async ({ bytes, description, golden, providers }) => {
  const { version } = description;
  if (version.endsWith('-hangs')) for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  if (version.endsWith('-aborts')) process.abort();
  if (version.endsWith('-segfaults')) process.kill(process.pid, 'SIGSEGV');
  if (version.endsWith('-leaves')) process.exit(7);
  const kept: Buffer[] = [];
  while (version.endsWith('-swells')) kept.push(Buffer.alloc(16 * 1024 ** 2, 1));
  return openSession(bytes, description, golden, providers);
});
