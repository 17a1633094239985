/** Specific Character Set (PS3.3 C.12.1.1.2) in the names that browsers have for them. */

const encodings = new Map([
  ['6', 'latin1'],
  ['100', 'latin1'],
  ['101', 'iso-8859-2'],
  ['109', 'iso-8859-3'],
  ['110', 'iso-8859-4'],
  ['144', 'iso-8859-5'],
  ['127', 'iso-8859-6'],
  ['126', 'iso-8859-7'],
  ['138', 'iso-8859-8'],
  ['148', 'iso-8859-9'],
  ['203', 'iso-8859-15'],
  ['13', 'shift_jis'],
  ['166', 'windows-874'],
  ['192', 'utf-8'],
  ['87', 'iso-2022-jp'],
  ['159', 'iso-2022-jp'],
  ['149', 'euc-kr'],
  ['58', 'gbk'],
  ['GB18030', 'gb18030'],
  ['GBK', 'gbk'],
]);

/**
 * Reads text of a data set. Where several sets are named (code extensions), the last known one is taken for all of
 * it: right for most such files, and bytes of another set show as they can.
 */
export function textDecoder(characterSet: string): (bytes: Uint8Array) => string {
  const known = characterSet
    .split('\\')
    .map((term) => encodings.get(term.trim().replace(/^ISO(_IR| 2022 IR) /, '')))
    .filter((name) => name !== undefined);
  const decoder = new TextDecoder(known.at(-1) ?? 'latin1');
  return (bytes) => decoder.decode(bytes);
}
