import { newId } from '../identifier.ts';
import { Problem } from '../problem.ts';
import { sameJson } from '../r4/same-json.ts';
import type { WriteContext } from '../world.ts';
import { type EntryContent, keyOfRow, tableKinds, type TableRow } from './entries.ts';
import type { Entry, EntryChange } from './entry-store.ts';
import { mostRows, readTable } from './table-csv.ts';
import { faultsOfTable } from './table-rules.ts';

const mostTemplates = 50;
/** Of its history a removed entry keeps its id, so the words of refusals are about what stands. */
const gone = (what: string) =>
  new Problem('not-found', `There is no such ${what}, or somebody has removed it. Load the page anew.`);

type Context = Pick<WriteContext, 'stores' | 'principal'>;

/**
 * Keeps one template or row of the table, new without an id.
 *
 * @param version of what was on the page: somebody else's change since then is not overwritten.
 * @throws Problem `conflict` for another version; `duplicate`, `business-rule` for what cannot stand beside the others.
 */
export async function keepEntry(
  context: Context,
  content: EntryContent,
  standing?: { id: string; version: number },
): Promise<Entry> {
  const { medicationEntries: store } = context.stores;
  await store.lock();
  if (standing) mustStand(await store.byId(standing.id), content.kind, standing.version);
  const id = standing?.id ?? newId();
  if (content.kind === 'template') {
    const others = (await store.all(['template'])).filter((one) => one.id !== id);
    if (others.length >= mostTemplates)
      throw new Problem('business-rule', `A site has ${mostTemplates} templates at most. Remove one first.`);
  } else {
    const others = (await store.all(tableKinds)).filter((one) => one.id !== id);
    mustFit([...others.map((one) => one.content), content], content);
  }
  await store.change([{ id, content }], await nameOf(context));
  return (await store.byId(id))!;
}

/** @throws Problem `not-found`, `conflict`; `business-rule` while other rows of the table name it. */
export async function removeEntry(
  context: Context,
  { id, version, of }: { id: string; version: number; of: 'template' | 'table' },
): Promise<void> {
  const { medicationEntries: store } = context.stores;
  await store.lock();
  const standing = await store.byId(id);
  const isTemplate = standing?.content.kind === 'template';
  if (!standing || isTemplate !== (of === 'template')) throw gone(of === 'template' ? 'template' : 'row');
  mustStand(standing, standing.content.kind, version);
  if (of === 'table') {
    const others = (await store.all(tableKinds)).filter((one) => one.id !== id).map((one) => one.content);
    const [fault] = faultsOfTable(others);
    if (fault)
      throw new Problem(
        'business-rule',
        `Other rows of the table name it: change or remove those first. ${fault.message}`,
      );
  }
  await store.change([{ id, content: undefined }], await nameOf(context));
}

function mustStand(standing: Entry | undefined, kind: EntryContent['kind'], version: number): void {
  if (!standing) throw gone(kind === 'template' ? 'template' : 'row');
  if (standing.content.kind !== kind)
    throw new Problem('business-rule', 'What an entry is does not change: remove it and add another.');
  if (standing.version !== version)
    throw new Problem(
      'conflict',
      `${standing.changedBy ?? 'Somebody'} has changed this meanwhile. Load it anew; what you wrote is still here to copy.`,
    );
}

function mustFit(rows: TableRow[], row: TableRow): void {
  if (rows.length > mostRows) throw new Problem('business-rule', `A table may have ${mostRows} rows at most.`);
  if (rows.filter((one) => keyOfRow(one) === keyOfRow(row)).length > 1)
    throw new Problem('duplicate', 'The table has that row already: change it instead.');
  const [fault] = faultsOfTable(rows);
  if (fault) throw new Problem('business-rule', fault.message);
}

export interface TableChange {
  added: number;
  changed: number;
  removed: number;
  unchanged: number;
}

/**
 * Takes in a table from a file, whole or not at all.
 *
 * @param how `replace`: what the file does not have is removed; else it stays. `check`: nothing is changed.
 * @throws Problem `value` naming each line that is wrong.
 */
export async function takeTable(
  context: Context,
  text: string,
  how: { replace: boolean; check: boolean },
): Promise<TableChange> {
  const { rows: lines, faults } = readTable(text);
  if (faults.length > 0) throw faulty(faults.map(({ line, message }) => `Line ${line}: ${message}`));
  const rows = lines.map(({ row }) => row);
  const { medicationEntries: store } = context.stores;
  await store.lock();
  const standing = new Map((await store.all(tableKinds)).map((one) => [keyOfRow(one.content), one]));
  const given = new Map(rows.map((row) => [keyOfRow(row), row]));
  const left = how.replace ? [] : [...standing].filter(([key]) => !given.has(key)).map(([, one]) => one.content);
  const amiss = faultsOfTable([...left, ...rows]).map(({ row, message }) => {
    const line = lines.find((one) => one.row === row)?.line;
    return line === undefined ? `Beside what the table has already: ${message}` : `Line ${line}: ${message}`;
  });
  if (amiss.length > 0) throw faulty(amiss);
  if (left.length + rows.length > mostRows)
    throw new Problem('business-rule', `A table may have ${mostRows} rows at most.`);
  const changes: EntryChange[] = [];
  const count: TableChange = { added: 0, changed: 0, removed: 0, unchanged: 0 };
  for (const [key, row] of given) {
    const before = standing.get(key);
    if (before && sameJson(before.content, row)) count.unchanged += 1;
    else {
      count[before ? 'changed' : 'added'] += 1;
      changes.push({ id: before?.id ?? newId(), content: row });
    }
  }
  if (how.replace)
    for (const [key, { id }] of standing)
      if (!given.has(key)) {
        count.removed += 1;
        changes.push({ id, content: undefined });
      }
  if (!how.check && changes.length > 0) await store.change(changes, await nameOf(context));
  return count;
}

const mostFaults = 20;

function faulty(faults: string[]): Problem {
  const more = faults.length - mostFaults;
  const said = faults.slice(0, mostFaults).join('\n');
  return new Problem(
    'value',
    `Nothing was taken in, because the file is not right:\n${said}${more > 0 ? `\nand ${more} more.` : ''}`,
    { expression: 'csv' },
  );
}

/** A name, not an id: the history stays readable when the person has gone. */
async function nameOf({ stores, principal }: Context): Promise<string> {
  return (await stores.accounts.byId(principal.subject))?.displayName ?? principal.subject;
}
