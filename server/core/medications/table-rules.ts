import { folded, type TableRow } from './entries.ts';

/**
 * What rows of a table must have of each other: a group, a rule's medication or group is one that the table lists, and no
 * name means two things. Otherwise a rule with a typing error would stand there and never warn.
 */
export function faultsOfTable(rows: readonly TableRow[]): { row: TableRow; message: string }[] {
  const faults: { row: TableRow; message: string }[] = [];
  const listed = new Map<string, TableRow>();
  const groups = new Set<string>();
  for (const row of rows) {
    if (row.kind !== 'medication' && row.kind !== 'group') continue;
    if (row.kind === 'group') groups.add(folded(row.name));
    for (const name of [row.name, ...row.names]) {
      const key = folded(name);
      const other = listed.get(key);
      if (other && other !== row)
        faults.push({ row, message: `“${name}” is a name of ${nameOf(other)} too. A name means one thing.` });
      else listed.set(key, row);
    }
  }
  for (const row of rows) {
    if (row.kind === 'medication') {
      for (const group of row.groups)
        if (!groups.has(folded(group)))
          faults.push({ row, message: `The table has no group “${group}”: add a row of the kind group for it.` });
    } else if (row.kind !== 'group') {
      for (const name of [row.one, row.other])
        if (!isMainName(listed.get(folded(name)), name))
          faults.push({ row, message: `The table lists no medication and no group with the name “${name}”.` });
    }
  }
  return faults;
}

function isMainName(row: TableRow | undefined, name: string): boolean {
  return (row?.kind === 'medication' || row?.kind === 'group') && folded(row.name) === folded(name);
}

function nameOf(row: TableRow): string {
  return row.kind === 'medication' || row.kind === 'group' ? row.name : `${row.one} and ${row.other}`;
}
