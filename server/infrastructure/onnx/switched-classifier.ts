import type { Classifier, ClassifierState, SwitchedClassifier } from '../../core/analysis/classifier.ts';
import { Problem } from '../../core/problem.ts';

/** A classifier that was started for one model. */
export interface StartedModel {
  digest: string;
  classifier: Classifier & { close(): Promise<void> };
}

export interface ClassifierSwitch extends SwitchedClassifier {
  readonly digest: string | undefined;
  /** What is served from now on, or why nothing is. The one before ends when its last holder lets go. */
  turn(to: StartedModel | { reason: string; switchedOff?: boolean }): void;
  close(): Promise<void>;
}

interface Held extends StartedModel {
  holders: number;
  left: boolean;
}

/** One place that serves a model: which one can change between two images, never within one analysis. */
export function classifierSwitch(reason: string): ClassifierSwitch {
  let current: Held | { reason: string; switchedOff?: boolean } = { reason };
  const closing = new Set<Promise<void>>();
  /** Of all models that this place has served. */
  let holders = 0;
  const waiting: (() => void)[] = [];

  const leave = (held: Held) => {
    const end = held.classifier.close().catch(() => undefined);
    closing.add(end);
    void end.then(() => closing.delete(end));
  };
  const notReady = (why: { reason: string; switchedOff?: boolean }): Classifier => ({
    state: (): ClassifierState => ({ ready: false, ...why }),
    classify: () =>
      Promise.reject(new Problem('transient', `The classifier is not ready: ${why.reason}`, { retryAfter: 30 })),
  });
  const hold: ClassifierSwitch['hold'] = () => {
    if (!('classifier' in current)) return { ...notReady(current), release: () => undefined };
    const held = current;
    held.holders++;
    holders++;
    let released = false;
    return {
      state: () => held.classifier.state(),
      classify: (frame, presentation, turn) => held.classifier.classify(frame, presentation, turn),
      release() {
        if (released) return;
        released = true;
        held.holders--;
        holders--;
        if (held.left && held.holders === 0) leave(held);
        if (holders === 0) for (const resolve of waiting.splice(0)) resolve();
      },
    };
  };
  const turn: ClassifierSwitch['turn'] = (to) => {
    const before = current;
    current = 'classifier' in to ? { ...to, holders: 0, left: false } : to;
    if (!('classifier' in before)) return;
    before.left = true;
    if (before.holders === 0) leave(before);
  };

  return {
    get digest() {
      return 'digest' in current ? current.digest : undefined;
    },
    state: () => ('classifier' in current ? current.classifier.state() : notReady(current).state()),
    async classify(frame, presentation, turn) {
      const held = hold();
      try {
        return await held.classify(frame, presentation, turn);
      } finally {
        held.release();
      }
    },
    hold,
    idle: () => (holders === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    turn,
    async close() {
      if ('classifier' in current) leave(current);
      current = { reason: 'stopped' };
      await Promise.all(closing);
    },
  };
}
