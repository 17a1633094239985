/**
 * Loaded into the server's process before the server (`--import`): tells which source files were entered since the
 * last question, by V8's precise coverage: a file counts when one of its functions ran. Nothing of it is in the product.
 */
import { Session, type Profiler } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.send) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const entered = (taken: Profiler.TakePreciseCoverageReturnType): string[] =>
    taken.result
      .filter(({ url, functions }) => url.includes('/server/') && functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0]!.count > 0))
      .map(({ url }) => url.slice(url.lastIndexOf('/server/') + 1))
      .sort(); // prettier-ignore
  process.on('message', (asked) => {
    if (asked !== 'entered') return;
    session.post('Profiler.takePreciseCoverage', (error, taken) => process.send!(error ? [] : entered(taken)));
  });
  process.channel?.unref();
}
