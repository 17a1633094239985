/**
 * Rows of a CSV text (RFC 4180: quotes, doubled quotes, line breaks inside quotes) as objects by the header's names.
 *
 * @throws RangeError when a row has more fields than the header or a quote is never closed.
 */
export function parseCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const body = text.replace(/^\uFEFF/, '');
  for (let at = 0; at < body.length; at++) {
    const character = body[at];
    if (quoted) {
      if (character !== '"') field += character;
      else if (body[at + 1] === '"') field += body[at++];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',') {
      row.push(field);
      field = '';
    } else if (character === '\n') {
      rows.push([...row, field.replace(/\r$/, '')]);
      row = [];
      field = '';
    } else field += character;
  }
  if (quoted) throw new RangeError('the CSV text ends inside a quoted field');
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  const [header = [], ...rest] = rows;
  return rest
    .filter((cells) => cells.length > 1 || cells[0] !== '')
    .map((cells, index) => {
      if (cells.length > header.length) throw new RangeError(`CSV row ${index + 2} has more fields than the header`);
      return Object.fromEntries(header.map((name, column) => [name.trim(), cells[column] ?? '']));
    });
}
