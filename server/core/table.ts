/**
 * Look-ups by a name from outside. Every plain object answers to `constructor`, `toString` and more, so a name that a
 * caller, a file or a record chose is looked up through these two, or in a Map, and never with `in` or `[name]`:
 * the lint rule `csss/no-outside-key` holds it.
 */

/** What `holder` itself has under `name`; undefined for what it has not and for what every object inherits. */
export function own<Value>(holder: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return holder !== undefined && Object.hasOwn(holder, name) ? holder[name] : undefined;
}

/** Sets an own property of any name: `holder['__proto__'] = value` would set no property, but another prototype. */
export function put<Value>(holder: Record<string, Value>, name: string, value: NoInfer<Value>): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}
