/** A session process: onnxruntime runs here and nowhere else in the server. */
import '../../core/sealed-prototype.ts';
import { openSession } from './inference-session.ts';
import { serveSession } from './serve-session.ts';
import { fromParent } from './session-port.ts';

const { port, setup } = await fromParent();
await serveSession(port, setup, ({ bytes, description, golden, providers, batch, batchOnCpu }) =>
  openSession(bytes, description, golden, providers, { batch, batchOnCpu }),
);
