import type { App } from 'vue';
import { asFailure, type FailureKind } from './api/failure.ts';

/**
 * Failures that nobody waits for (`void something()`, and what an event handler of a component gives back) are told to
 * the person, because a click that seems to do nothing is worse than a sentence. The browser's console has them too.
 *
 * @param tell is called with what kind of failure it was.
 */
export function hearFailures(app: App, tell: (kind: FailureKind) => void): void {
  // Vue would print it and go on.
  app.config.errorHandler = (thrown) => void Promise.reject(thrown);
  addEventListener('unhandledrejection', ({ reason }) => {
    // Who cancels something knows.
    if (!(reason instanceof DOMException && reason.name === 'AbortError')) tell(asFailure(reason).kind);
  });
}
