/**
 * The `style` of a narrative: the properties that format text, tables and boxes, with values that load and cover
 * nothing. Whatever is not known here is refused, so that the next function of CSS that loads something is, too.
 */

const words = (list: string): string[] => list.split(' ');
const sides = words('top right bottom left');

const properties = new Set([
  ...words('color background background-color background-image background-position background-repeat background-size'),
  ...words('border border-collapse border-color border-radius border-spacing border-style border-width'),
  ...sides.flatMap((side) => [
    ...[`border-${side}`, `border-${side}-color`, `border-${side}-style`, `border-${side}-width`],
    ...[`margin-${side}`, `padding-${side}`],
  ]),
  ...words('margin padding width height min-width min-height max-width max-height box-sizing overflow'),
  ...words('font font-family font-size font-style font-variant font-weight line-height letter-spacing word-spacing'),
  ...words('text-align text-decoration text-indent text-transform vertical-align white-space word-break word-wrap'),
  ...words('overflow-wrap hyphens direction display float clear table-layout caption-side empty-cells'),
  ...words('list-style list-style-image list-style-position list-style-type orphans widows'),
  ...words('page-break-after page-break-before page-break-inside break-after break-before break-inside'),
]);

/** One piece of a value: a word, a number with its unit, a colour, quoted text, a picture that is in the text itself. */
const piece = new RegExp(
  [
    String.raw`-?[a-z][a-z0-9-]*(?![a-z0-9(-])`,
    String.raw`[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:%|[a-z]{1,4})?(?![a-z0-9(.%-])`,
    String.raw`#[0-9a-f]{3,8}\b`,
    String.raw`(?:rgb|hsl)a?\([0-9.,%/ deg]{1,60}\)`,
    String.raw`"[\w .,-]{0,200}"|'[\w .,-]{0,200}'`,
    String.raw`url\((["']?)data:image\/(?:png|jpeg|gif);base64,[a-z0-9+/=]*\1\)`,
    String.raw`!important\b`,
    String.raw`[ \t\n\r,/]`,
  ].join('|'),
  'iy',
);

/** @param style without character references. */
export function isPlainStyle(style: string): boolean {
  return declarations(style).every((text) => {
    if (text.trim() === '') return true;
    const colon = text.indexOf(':');
    return colon > 0 && properties.has(text.slice(0, colon).trim().toLowerCase()) && isValue(text.slice(colon + 1));
  });
}

/** Split at semicolons, but for the one in the address of a picture. */
const declarations = (style: string): string[] => style.split(/;(?!base64,)/);

function isValue(value: string): boolean {
  if (value.includes('/*')) return false;
  piece.lastIndex = 0;
  while (piece.lastIndex < value.length) if (!piece.test(value)) return false;
  return true;
}
