/** Media types with their parameters (RFC 9110 8.3.1), as Content-Type and Accept write them. */

export interface MediaType {
  /** `multipart/related`, in lower case. */
  media: string;
  /** Names in lower case, values as sent, without quotes; of a name that stands twice, the first. */
  parameters: ReadonlyMap<string, string>;
}

const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/**
 * One media type; a range of Accept is one too, with `*` in the place of names. Undefined when it is none.
 *
 * Lenient in form, because clients in the field are not careful: values need no quotes, and what is no parameter is
 * passed over.
 */
export function mediaType(written: string): MediaType | undefined {
  const [name = '', ...rest] = splitOutsideQuotes(written, ';');
  const media = name.trim().toLowerCase();
  const [type = '', subtype = '', ...more] = media.split('/');
  if (more.length > 0 || !token.test(type) || !token.test(subtype)) return undefined;
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    const key = parameter.slice(0, equals).trim().toLowerCase();
    if (equals > 0 && token.test(key) && !parameters.has(key))
      parameters.set(key, unquoted(parameter.slice(equals + 1).trim()));
  }
  return { media, parameters };
}

export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1).replace(/\\(.)/g, '$1')
    : value;
}
