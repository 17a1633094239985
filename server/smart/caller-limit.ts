import { networkOf } from '../core/network.ts';

/** Addresses that are remembered; the one that was quiet longest goes first. */
const mostCallers = 10_000;

/** Counts what callers do who have shown nothing yet, for each address; in the memory of the process, so that it costs nothing itself. */
export interface CallerLimit {
  /** Seconds that this caller has to wait; 0 when it may go on. */
  wait(address: string): number;
  count(address: string): void;
}

/** @param limit so many at once, and after them so many a second. */
export function callerLimit({ burst, perSecond }: { burst: number; perSecond: number }, now = Date.now): CallerLimit {
  const callers = new Map<string, { used: number; at: number }>();
  const used = (key: string) => {
    const caller = callers.get(key);
    return caller ? Math.max(0, caller.used - ((now() - caller.at) / 1000) * perSecond) : 0;
  };
  return {
    wait: (address) => Math.ceil(Math.max(0, used(networkOf(address, 32)) + 1 - burst) / perSecond),
    count(address) {
      const key = networkOf(address, 32);
      const next = { used: used(key) + 1, at: now() };
      callers.delete(key); // so that it goes to the end
      callers.set(key, next);
      if (callers.size > mostCallers) callers.delete(callers.keys().next().value!);
    },
  };
}
