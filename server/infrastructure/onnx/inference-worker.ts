/** A session thread: `run()` of onnxruntime blocks the thread that calls it, which must not be the event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SessionSetup } from './inference-messages.ts';
import { openSession } from './inference-session.ts';
import { serveSession } from './serve-session.ts';

await serveSession(
  parentPort!,
  workerData as SessionSetup,
  ({ bytes, description, golden, providers, batch, batchOnCpu }) =>
    openSession(bytes, description, golden, providers, { batch, batchOnCpu }),
);
