import type { AuditFault } from './audit-log.ts';

/** Faults as they are found: the first of them with their words, the rest counted; neighbours of one kind are one. */
export class FaultList {
  found = 0;
  readonly told: AuditFault[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(fault: AuditFault): void {
    this.found++;
    // Two runs may grow at once: a removed row and an inserted one take turns.
    const run = this.told
      .slice(-4)
      .findLast((one) => one.kind === fault.kind && one.text === fault.text && (one.to ?? one.seq) + 1 === fault.seq);
    if (run && fault.seq > 0) run.to = fault.seq;
    else if (this.told.length < this.#most) this.told.push({ ...fault });
  }
}
