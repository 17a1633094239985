import type { RefusalCode } from '../../core/analysis/registry/registered-model.ts';

/** What is wrong with a model, told apart for administrators. */
export class Refused extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = code;
  }
}

/** @throws Refused with that code, whatever `work` throws. */
export function judged<T>(code: RefusalCode, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Refused(code, error);
  }
}
