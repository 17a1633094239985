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
  return new Markup(escape(text.replace(/\r\n?/g, '\n')).replace(/\n/g, '<br>'));
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

/** Also drops what is no character of XML 1.0: control characters would vanish or break the text layer of a PDF. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (found) => entities.get(found)!);
}
