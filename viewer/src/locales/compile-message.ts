/**
 * Reads a message when it is first shown: places in braces, and forms for one and many between bars. All that our messages use, so that
 * the library's own compiler, of 9 KB, is not fetched by anybody.
 */
import type { MessageCompiler, MessageContext } from 'vue-i18n';

export const compileMessage: MessageCompiler = (message) => {
  if (typeof message !== 'string') throw new Error('A message is a text.');
  const forms = message.split(' | ').map((form) => form.split(/\{(\w+)\}/));
  return (context: MessageContext) => {
    // The odd parts are the names of places.
    const said = forms.map((parts) =>
      parts.map((part, at) => (at % 2 === 1 ? text(context.named(part)) : part)).join(''),
    );
    return said.length > 1 ? context.plural(said) : said[0]!;
  };
};

/** A place without a value shows nothing: a word such as "undefined" would be none of any language. */
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
