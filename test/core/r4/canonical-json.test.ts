import { expect, test } from 'vitest';
import { canonicalJson } from '../../../server/core/r4/canonical-json.ts';

test('two values that say the same have the same bytes (RFC 8785 3.2.3)', () => {
  const sorted = '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin","€":"Euro","😀":"Emoji","\ufb33":"Hebrew"}'; // prettier-ignore
  expect(canonicalJson({ '€': 'Euro', '\r': 'Carriage Return', '\ufb33': 'Hebrew', '1': 'One', '😀': 'Emoji', '\u0080': 'Control', ö: 'Latin' })).toBe(sorted); // prettier-ignore
  expect(canonicalJson({ b: [1, { d: null, c: undefined }], a: true })).toBe('{"a":true,"b":[1,{"d":null}]}');
  expect(canonicalJson({ a: [undefined] })).toBe('{"a":[null]}');
  expect(canonicalJson(1e21)).toBe('1e+21');
});
