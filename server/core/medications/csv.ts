/** Comma-separated values by RFC 4180, read as strictly as people can mend them. */

export interface CsvLine {
  /** Of the file, from 1: where the record begins. */
  line: number;
  cells: string[];
}

/**
 * The records of a text; empty lines are left out. A quote that is never closed ends the file in error, because all
 * that follows would be one cell.
 */
export function readCsv(text: string): { lines: CsvLine[]; unclosed?: number } {
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let line = 1;
  let begun = 1;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const end = () => {
    if (cells.length > 1 || cells[0]?.trim()) lines.push({ line: begun, cells });
    cells = [];
  };
  while (at < text.length) {
    if (cells.length === 0) begun = line;
    const quoted = text[at] === '"';
    const cell = quoted ? quotedCell(text, at) : plainCell(text, at);
    if (!cell) return { lines, unclosed: line };
    cells.push(cell.value);
    line += cell.value.split('\n').length - 1;
    at = cell.next;
    if (text[at] === ',') {
      at += 1;
      if (at === text.length) cells.push('');
      continue;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    line += 1;
    end();
  }
  if (cells.length > 0) end();
  return { lines };
}

interface Cell {
  value: string;
  next: number;
}

function plainCell(text: string, from: number): Cell {
  let next = from;
  while (next < text.length && text[next] !== ',' && text[next] !== '\n' && text[next] !== '\r') next += 1;
  return { value: text.slice(from, next), next };
}

/** What stands between the closing quote and the next comma belongs to the cell, as spreadsheets read it. */
function quotedCell(text: string, from: number): Cell | undefined {
  const parts: string[] = [];
  let at = from + 1;
  for (;;) {
    const close = text.indexOf('"', at);
    if (close === -1) return undefined;
    parts.push(text.slice(at, close));
    at = close + 1;
    if (text[at] !== '"') break;
    parts.push('"');
    at += 1;
  }
  const rest = plainCell(text, at);
  return { value: parts.join('') + rest.value, next: rest.next };
}

export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
