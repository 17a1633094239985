/** JSON from strangers: bounded before it is parsed, free of what poisons objects or the database. */
import { setImmediate as immediate } from 'node:timers/promises';
import { Problem } from '../problem.ts';

/** FHIR has no deeper data; JSON.parse and every walk over the result would go as deep as the text does. */
const maxDepth = 64;

/**
 * Values (objects, lists, names with what they hold) that a body may have. Parsing and writing them costs by number,
 * not by length: this many take tens of milliseconds, and a picture of ten megabytes is one.
 */
const maxValues = 150_000;

/** Properties of one object: no type of FHIR has a hundred, and each that is unknown is a fault of its own. */
const maxNames = 1_000;

/** Steps between which others have their turn: some milliseconds each. */
const stepLength = 262_144;

/**
 * @throws Problem `structure` with the reason: not JSON, too deep, a property twice, a forbidden name, a NUL;
 *   `too-long` when it has more values than a body may have.
 */
export function parseJson(text: string): unknown {
  const steps = parsing(text);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** As `parseJson`, for what may be long: between its steps others have their turn. */
export async function parseLongJson(text: string): Promise<unknown> {
  const steps = parsing(text);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await immediate();
  }
}

function* parsing(text: string): Generator<void, unknown> {
  yield* scan(text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Problem('structure', 'The body is not valid JSON');
  }
  if (text.length > stepLength) yield;
  // A name or a NUL can hide behind escapes, so only texts that could hold them are walked.
  if (/__proto__|\\u/.test(text)) refusePoison(parsed);
  return parsed;
}

/** One pass over the text: nesting, and names that stand twice in one object (FHIR json.html forbids; parsers differ). */
function* scan(text: string): Generator<void> {
  let values = 0;
  let pause = stepLength;
  /** For each open bracket the names met so far; undefined in an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    if (i >= pause) {
      pause = i + stepLength;
      yield;
    }
    const code = text.charCodeAt(i);
    // Each value but the first of its list or object has a comma before it.
    if (code === 44 || code === 123 || code === 91) {
      if (++values > maxValues)
        throw new Problem('too-long', `A body may have ${maxValues} values at most; send it in smaller parts.`);
    }
    if (code === 34) {
      const quote = text.indexOf('"', i + 1);
      const end = quote > 0 && text.charCodeAt(quote - 1) !== 92 ? quote : yield* endOfString(text, i);
      const names = open.at(-1);
      if (names && nextIsColon(text, end + 1)) {
        const name = text.slice(i + 1, end);
        if (names.has(name)) throw new Problem('structure', 'The body has an object with one property twice');
        if (names.size >= maxNames) throw new Problem('too-long', `An object may have ${maxNames} properties at most`);
        names.add(name);
      }
      i = end;
    } else if (code === 123 || code === 91) {
      open.push(code === 123 ? new Set() : undefined);
      if (open.length > maxDepth) throw new Problem('structure', `The body is nested deeper than ${maxDepth} levels`);
    } else if (code === 125 || code === 93) open.pop();
  }
}

function nextIsColon(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 32) at++;
  return text.charCodeAt(at) === 58;
}

/** Index of the closing quote, or the end of the text if there is none (JSON.parse will complain). */
function* endOfString(text: string, start: number): Generator<void, number> {
  let pause = start + stepLength;
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 92) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
    if (end < pause) continue;
    pause = end + stepLength;
    yield;
  }
  return text.length;
}

function refusePoison(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new Problem('structure', 'The body holds a NUL character');
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (name === '__proto__' || name.includes('\0'))
        throw new Problem('structure', 'The body has a property name that is not allowed');
      refusePoison(inner);
    }
  }
}
