import { printable } from '../readable-text.ts';

/**
 * HTML that cannot be injected into: text becomes markup only through this file. A doctor's note, a patient's
 * name or a manufacturer's tag is text, whatever it contains.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | undefined | false | readonly Part[];

/** Tagged template: the template's own text is markup, every value is escaped unless it is Markup; nothing for undefined and false. */
export function html(template: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return new Markup(template.reduce((text, piece, i) => text + rendered(values[i - 1]) + piece));
}

/** Text with its line breaks. */
export function lines(text: string): Markup {
  return new Markup(escape(text).replace(/\n/g, '<br>'));
}

function rendered(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(rendered).join('');
  return escape(String(part));
}

const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** Drops what cannot be printed, too: control characters break the text layer of a PDF, and others its order. */
function escape(text: string): string {
  return printable(text).replace(/[&<>"']/g, (found) => entities.get(found)!);
}
