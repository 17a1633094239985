/** The values of one statement, in the order of their placeholders. */
export interface Bindings {
  readonly values: unknown[];
  /** Dates without a zone are meant in this one. */
  readonly timeZone: string;
  /** Takes a value and gives its placeholder (`$3`). Nothing that a caller sent reaches SQL in any other way. */
  add(value: unknown): string;
  /** A table alias that is new in the statement. */
  alias(): string;
}

export function bindings(timeZone: string, values: unknown[] = []): Bindings {
  let aliases = 0;
  return {
    values,
    timeZone,
    add: (value) => `$${values.push(value)}`,
    alias: () => `t${++aliases}`,
  };
}
