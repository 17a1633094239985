/** The medication table as a file that people edit in a spreadsheet, and back. */
import type { z } from 'zod';
import { own } from '../table.ts';
import { csvLine, readCsv } from './csv.ts';
import { keyOfRow, tableKinds, tableShape, type TableRow } from './entries.ts';

const columns = ['kind', 'name', 'other', 'names', 'codes', 'groups', 'rules', 'severity', 'text'] as const;
type Column = (typeof columns)[number];
type Cells = Record<Column, string>;

export const mostRows = 5_000;

export interface TableFault {
  /** Of the file, from 1. */
  line: number;
  message: string;
}

export interface TableLine {
  line: number;
  row: TableRow;
}

/**
 * The rows of a file, and what is wrong with them by themselves, each with its line; how they fit to each other is said by
 * `faultsOfTable`. Nobody takes in half a table: where something is wrong, the rows are not to be used.
 */
export function readTable(text: string): { rows: TableLine[]; faults: TableFault[] } {
  const { lines, unclosed } = readCsv(text);
  if (unclosed !== undefined)
    return { rows: [], faults: [{ line: unclosed, message: 'A quotation mark is opened and never closed.' }] };
  const [head, ...rest] = lines;
  const names = head?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0)
    return {
      rows: [],
      faults: [
        {
          line: 1,
          message: `The first line must name the columns ${columns.join(', ')}, set apart by commas; missing: ${missing.join(', ')}.`,
        },
      ],
    };
  if (rest.length > mostRows)
    return { rows: [], faults: [{ line: 1, message: `A table may have ${mostRows} rows at most.` }] };
  const rows: TableLine[] = [];
  const faults: TableFault[] = [];
  for (const { line, cells } of rest) {
    const given = Object.fromEntries(columns.map((name) => [name, (cells[names.indexOf(name)] ?? '').trim()])) as Cells;
    const { row, message } = rowOf(given);
    if (row) rows.push({ line, row });
    else faults.push({ line, message: message! });
  }
  faults.push(...twice(rows));
  return { rows, faults: faults.sort((a, b) => a.line - b.line) };
}

function twice(read: readonly TableLine[]): TableFault[] {
  const first = new Map<string, number>();
  return read.flatMap(({ line, row }) => {
    const key = keyOfRow(row);
    const before = first.get(key);
    if (before === undefined) first.set(key, line);
    return before === undefined ? [] : [{ line, message: `The same stands in line ${before}.` }];
  });
}

const list = (cell: string): string[] =>
  cell
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** What a row of its kind leaves empty. */
const unused: Record<TableRow['kind'], readonly Column[]> = {
  medication: ['other', 'rules', 'severity', 'text'],
  group: ['other', 'codes', 'groups', 'severity', 'text'],
  interaction: ['names', 'codes', 'groups', 'rules'],
  allergy: ['names', 'codes', 'groups', 'rules'],
};
const rules = ['one-at-a-time', 'cross-allergy'] as const;

function rowOf(cells: Cells): { row?: TableRow; message?: string } {
  const kind = tableKinds.find((one) => one === cells.kind.toLowerCase());
  if (!kind) return { message: `kind must be ${tableKinds.join(', ')}.` };
  const filled = unused[kind].filter((column) => cells[column] !== '');
  if (filled.length > 0) return { message: `A row of the kind ${kind} has no ${filled.join(', ')}.` };
  const said = list(cells.rules);
  const odd = said.filter((rule) => !rules.some((one) => one === rule));
  if (odd.length > 0) return { message: `rules may be ${rules.join(' and ')}, not ${odd.join(', ')}.` };
  const named = { kind, name: cells.name, names: list(cells.names) };
  const given =
    kind === 'medication'
      ? { ...named, codes: list(cells.codes).map(codeIn), groups: list(cells.groups) }
      : kind === 'group'
        ? { ...named, oneAtATime: said.includes('one-at-a-time'), crossAllergy: said.includes('cross-allergy') }
        : { kind, one: cells.name, other: cells.other, severity: cells.severity, text: cells.text };
  const result = tableShape.safeParse(given);
  return result.success ? { row: result.data } : { message: wordsOfIssue(result.error) };
}

const headings: Record<string, string> = { one: 'name' };

function wordsOfIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = String(issue?.path[0] ?? '');
  return `${own(headings, path) ?? path}: ${issue?.message ?? 'is not valid'}.`;
}

function codeIn(cell: string): { system: string; code: string } {
  const at = cell.lastIndexOf('|');
  return { system: at === -1 ? '' : cell.slice(0, at), code: cell.slice(at + 1) };
}

/** @returns the whole file, with a mark that spreadsheets know it as UTF-8 by. */
export function writeTable(rows: readonly TableRow[]): string {
  const lines = rows.map((row) => csvLine(columns.map((column) => cellsOf(row)[column] ?? '')));
  return `\ufeff${[columns.join(','), ...lines].join('\r\n')}\r\n`;
}

function cellsOf(row: TableRow): Partial<Cells> {
  switch (row.kind) {
    case 'medication':
      return {
        kind: row.kind,
        name: row.name,
        names: row.names.join('; '),
        codes: row.codes.map(({ system, code }) => `${system}|${code}`).join('; '),
        groups: row.groups.join('; '),
      };
    case 'group':
      return {
        kind: row.kind,
        name: row.name,
        names: row.names.join('; '),
        rules: [row.oneAtATime && rules[0], row.crossAllergy && rules[1]].filter(Boolean).join('; '),
      };
    default:
      return { kind: row.kind, name: row.one, other: row.other, severity: row.severity, text: row.text };
  }
}
