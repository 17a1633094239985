/**
 * The paths of FHIRPath Patch (FHIR fhirpatch.html): the part of FHIRPath that says where an element is. They are
 * parsed here and never run as a program, because FHIRPath can count without end and match any pattern.
 */
import { Problem } from '../problem.ts';

export type PathStep =
  | { step: 'member'; name: string }
  | { step: 'index'; at: number }
  | { step: 'first' | 'last' | 'single' }
  | { step: 'of-type'; type: string }
  | { step: 'where'; all: readonly Comparison[] };
export interface Comparison {
  path: readonly PathStep[];
  equals: string | number | boolean;
}

const longest = 1_000;
const maxSteps = 32;
/** Names, numbers, quoted text, symbols; blanks between them mean nothing. */
const token = /\s*(?:([A-Za-z_]\w*)|`([^`\\]+)`|(-?\d+(?:\.\d+)?)|'((?:[^'\\]|\\.)*)'|([.()[\]=]))/suy;

type Token =
  | { kind: 'name'; text: string; quoted: boolean }
  | { kind: 'number'; value: number; text: string }
  | { kind: 'text'; value: string }
  | { kind: 'symbol'; text: string };

/**
 * @param type of the resource, which a path may begin with
 * @returns the steps from the resource on; none when the path is the resource itself.
 * @throws Problem `structure`, which says what a path can be.
 */
export function parsePatchPath(text: string, type: string): readonly PathStep[] {
  if (text.length > longest) throw notAllowed();
  const reader = new Reader(tokens(text));
  const steps = reader.path([type, 'Resource', 'DomainResource']);
  if (!reader.atEnd) throw notAllowed();
  return steps;
}

const notAllowed = (): Problem =>
  new Problem(
    'structure',
    'A path of a patch is made of element names, [index], first(), last(), single(), ofType(type), ' +
      "extension('url') and where(path = literal and ...), with text, numbers, true and false as literals",
  );

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const [, name, quotedName, number, quoted, symbol] = token.exec(text) ?? [];
    if (name !== undefined) found.push({ kind: 'name', text: name, quoted: false });
    else if (quotedName !== undefined) found.push({ kind: 'name', text: quotedName, quoted: true });
    else if (number !== undefined) found.push({ kind: 'number', value: Number(number), text: number });
    else if (quoted !== undefined) found.push({ kind: 'text', value: unescaped(quoted) });
    else if (symbol !== undefined) found.push({ kind: 'symbol', text: symbol });
    else throw notAllowed();
  }
  return found;
}

const escapes = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['f', '\f'],
]);

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, (_, code: string | undefined, char: string) =>
    code === undefined ? (escapes.get(char) ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #steps = 0;
  #inWhere = false;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  get atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  /** @param roots names that stand for where the path begins. */
  path(roots: readonly string[]): PathStep[] {
    const steps: PathStep[] = [];
    const first = this.#name();
    if (!first.quoted && this.#takes('(')) steps.push(...this.#call(first.text));
    else if (first.quoted || !roots.includes(first.text)) steps.push({ step: 'member', name: first.text });
    this.#brackets(steps);
    while (this.#takes('.')) {
      const { text, quoted } = this.#name();
      if (!quoted && this.#takes('(')) steps.push(...this.#call(text));
      else steps.push({ step: 'member', name: text });
      this.#brackets(steps);
    }
    this.#steps += steps.length;
    if (this.#steps > maxSteps) throw notAllowed();
    return steps;
  }

  #brackets(steps: PathStep[]): void {
    while (this.#takes('[')) {
      const index = this.#next();
      if (index.kind !== 'number' || !/^\d{1,9}$/.test(index.text)) throw notAllowed();
      steps.push({ step: 'index', at: index.value });
      this.#expect(']');
    }
  }

  /** A function, whose opening bracket has been read. */
  #call(name: string): PathStep[] {
    const steps = this.#argument(name);
    this.#expect(')');
    return steps;
  }

  #argument(name: string): PathStep[] {
    if (name === 'first' || name === 'last' || name === 'single') return [{ step: name }];
    if (name === 'where' && !this.#inWhere) {
      this.#inWhere = true;
      const all = this.#comparisons();
      this.#inWhere = false;
      return [{ step: 'where', all }];
    }
    if (name === 'ofType') return [{ step: 'of-type', type: this.#typeName() }];
    const url = name === 'extension' ? this.#next() : undefined;
    if (url?.kind !== 'text') throw notAllowed();
    const named: Comparison = { path: [{ step: 'member', name: 'url' }], equals: url.value };
    return [
      { step: 'member', name: 'extension' },
      { step: 'where', all: [named] },
    ];
  }

  #comparisons(): Comparison[] {
    const all: Comparison[] = [];
    do {
      const path = this.path([]);
      this.#expect('=');
      all.push({ path, equals: this.#literal() });
    } while (this.#word('and'));
    return all;
  }

  #literal(): string | number | boolean {
    const literal = this.#next();
    if (literal.kind === 'number' || literal.kind === 'text') return literal.value;
    if (literal.kind !== 'name' || literal.quoted || !['true', 'false'].includes(literal.text)) throw notAllowed();
    return literal.text === 'true';
  }

  /** `Quantity`, or with the name space: `FHIR.Quantity`. */
  #typeName(): string {
    const { text } = this.#name();
    if ((text !== 'FHIR' && text !== 'System') || !this.#takes('.')) return text;
    return this.#name().text;
  }

  #name(): Token & { kind: 'name' } {
    const name = this.#next();
    if (name.kind !== 'name') throw notAllowed();
    return name;
  }

  #word(text: string): boolean {
    const next = this.#tokens[this.#at];
    const is = next?.kind === 'name' && !next.quoted && next.text === text;
    if (is) this.#at++;
    return is;
  }

  #takes(text: string): boolean {
    const next = this.#tokens[this.#at];
    const is = next?.kind === 'symbol' && next.text === text;
    if (is) this.#at++;
    return is;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw notAllowed();
  }

  #next(): Token {
    const next = this.#tokens[this.#at++];
    if (!next) throw notAllowed();
    return next;
  }
}
