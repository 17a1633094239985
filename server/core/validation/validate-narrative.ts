import { hasInk } from '../readable-text.ts';
import { isPlainStyle } from './narrative-style.ts';

/**
 * The XHTML of `Narrative.div` (FHIR narrative.html#xhtml, txt-1 and txt-2): well-formed, one `div`, only
 * formatting elements. What is refused would run or load something in a reader's browser: scripts,
 * event attributes, forms, frames, external images and style sheets.
 *
 * @returns what is wrong in words, or undefined.
 */
export function narrativeFault(div: string): string | undefined {
  const open: string[] = [];
  let content = false;
  let closedRoot = false;
  let at = 0;
  while (at < div.length) {
    const next = div.indexOf('<', at);
    const words = div.slice(at, next < 0 ? div.length : next);
    if (words.length > 0) {
      const fault = textFault(words);
      if (fault) return fault;
      if (words.trim().length > 0 && open.length === 0) return 'has text outside its div';
      content ||= hasInk(words.replaceAll(blankEntities, '').replaceAll(numericEntity, character));
    }
    if (next < 0) break;
    if (div.startsWith('<!--', next)) {
      const end = div.indexOf('-->', next + 4);
      if (end < 0) return 'holds a comment without end';
      at = end + 3;
      continue;
    }
    tagForm.lastIndex = next;
    const tag = tagForm.exec(div);
    if (!tag) return 'is not well-formed XHTML';
    at = tagForm.lastIndex;
    const [, closing, name = '', attributes = '', selfClosing] = tag;
    if (closing) {
      if (attributes.trim() !== '' || selfClosing || open.pop() !== name) return 'has tags that do not match';
      closedRoot = open.length === 0;
      continue;
    }
    if (open.length === 0 && (name !== 'div' || closedRoot)) return 'must be one div element';
    if (!elements.has(name)) return `holds the element ${name.slice(0, 20)}, which a narrative may not have`;
    const fault = attributesFault(name, attributes, open.length === 0);
    if (fault) return fault;
    if (name === 'img') content = true;
    if (!selfClosing) open.push(name);
    else if (open.length === 0) closedRoot = true;
    if (open.length > 60) return 'is nested too deeply';
  }
  if (open.length > 0 || !closedRoot) return 'has a tag without end';
  return content ? undefined : 'must have some content that can be read';
}

const xhtml = 'http://www.w3.org/1999/xhtml';
const tagForm = /<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*)(\/?)>/y;
const attributeForm = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/gy;
const entityForm = /&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});/g;

const elements = new Set(
  (
    'a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins del ' +
    'kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var'
  ).split(' '),
);
const attributesAllowed = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class ' +
    'colspan compact coords dir frame headers height href hreflang hspace id idref label lang longdesc name nowrap rel rev rowspan ' +
    'rules scope shape span src start style summary tabindex title type valign value vspace width xmlns xml:lang xml:space'
  ).split(' '),
);

function textFault(words: string): string | undefined {
  if (words.includes('>') && words.includes(']]>')) return 'is not well-formed XHTML';
  return words.replaceAll(entityForm, '').includes('&') ? 'holds a bare ampersand' : undefined;
}

function attributesFault(element: string, written: string, root: boolean): string | undefined {
  const seen = new Set<string>();
  let namespace: string | undefined;
  for (const [, name = '', double, single] of written.matchAll(attributeForm)) {
    const value = double ?? single ?? '';
    if (seen.has(name)) return `has the attribute ${name.slice(0, 20)} twice on one element`;
    seen.add(name);
    if (textFault(value)) return 'holds a bare ampersand';
    if (name === 'xmlns') namespace = value;
    if (!attributesAllowed.has(name)) return `holds the attribute ${name.slice(0, 20)}, which a narrative may not have`;
    if (name === 'href' && !safeLink(value)) return 'holds a link of a kind that a narrative may not have';
    if ((name === 'src' || name === 'longdesc') && !safeImage(value)) return 'loads something from outside';
    if (name === 'style' && !isPlainStyle(decoded(value))) return 'holds a style that a narrative may not have';
    if (name === 'cite' && !safeLink(value)) return 'holds a link of a kind that a narrative may not have';
  }
  if (root && namespace !== xhtml) return `must have xmlns="${xhtml}" on its div`;
  if (!root && namespace !== undefined && namespace !== xhtml) return `leaves the XHTML namespace at ${element}`;
  return undefined;
}

const numericEntity = /&#(x?)([0-9a-fA-F]+);/gi;
const blankEntities = /&(?:nbsp|ensp|emsp|thinsp|zwnj|zwj|lrm|rlm|shy);/g;
const namedCharacters = new Map([
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
  ['colon', ':'],
]);

function character(_: string, hex: string, digits: string): string {
  const code = Number.parseInt(digits, hex ? 16 : 10);
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** Without the character references that an attribute needs; others stay, and their ampersand fits nothing. */
function decoded(value: string): string {
  return value
    .replaceAll(numericEntity, character)
    .replaceAll(/&([a-z]+);/g, (found, name: string) => namedCharacters.get(name) ?? found);
}

/** An address as browsers read it: they skip blanks and controls, so that `java&#x09;script:` is seen as what it runs as. */
function address(value: string): string {
  return decoded(value)
    .replaceAll(/&(?:Tab|NewLine);/g, '')
    .replaceAll(/[\u0000-\u0020]+/g, '')
    .toLowerCase();
}

/** An address with one of these schemes, or one below this server. */
function safeLink(value: string): boolean {
  return /^(?:(?:https?|ftp|mailto|tel|urn):|[\w.~%+-]*(?:[/?#]|$))/.test(address(value));
}

/** A picture in the text itself, or one of this server: an address that leads elsewhere tells who reads the record. */
function safeImage(value: string): boolean {
  return /^(?:data:image\/(?:png|jpeg|gif);base64,[a-z0-9+/=]*|\/?(?:[\w.~%-]+(?:\/[\w.~%-]+)*)?(?:[?#][\w.~%&=/-]*)?)$/.test(
    address(value),
  );
}
