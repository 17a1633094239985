import { decodeEntries, type AuditBlock } from './audit-block.ts';
import type { FaultList } from './audit-faults.ts';
import { judgeMark, keyOfMark, printOf, type KeptAuditRecord } from './audit-mark.ts';
import type { AuditWorld } from './audit-seal.ts';

/** What the blocks say, beside the rows that they seal. */
export interface ChainFacts {
  /** When the seals began, and the highest number of a row then. */
  start: { at: Date; seq: number } | undefined;
  /** Numbers of rows that are known to be gone. */
  gone: [first: number, last: number][];
  /** Digests of blocks that a restored back-up is known to lack. */
  lost: Set<string>;
}

type Row = KeptAuditRecord & { twin: boolean };
interface Sealed {
  print: string;
  at: Date;
}

const rowsAtOnce = 1_000;
const blocksAtOnce = 20;
const beyond = Number.MAX_SAFE_INTEGER;
/** An earlier release may go on writing for a while beside this one. */
const overlapMs = 3_600_000;

/** Compares rows with what blocks have of them, window by window in the order of their numbers. */
export async function verifyRows(
  world: AuditWorld,
  facts: ChainFacts,
  faults: FaultList,
  onWindow: (checked: number) => Promise<void>,
): Promise<void> {
  const limits = await world.read(async ({ auditLog }) => ({
    given: (await auditLog.horizon()).seen,
    settled: await auditLog.settled(),
    lastBlock: (await auditLog.lastBlock())?.number ?? 0,
  }));
  let checked = 0;
  for (let after = -beyond; after < limits.given;) {
    const window = await nextWindow(world, after, limits);
    for (const row of window.rows) judge(world, row, window.sealed.get(row.seq), { ...limits, ...facts }, faults);
    const there = new Set(window.rows.map(({ seq }) => seq));
    for (const seq of [...window.sealed.keys()].sort((a, b) => a - b))
      if (!there.has(seq) && !isGone(seq, facts.gone))
        faults.add({ seq, kind: 'removed', text: 'A row that was sealed is not there any more.' });
    checked += window.rows.length;
    after = window.end;
    await onWindow(checked);
  }
  const beyondThem = await world.read(async ({ auditLog }) => {
    const rows = await auditLog.inOrder(limits.given, { limit: rowsAtOnce });
    const { seen } = await auditLog.horizon();
    return rows.filter(({ seq }) => seq > seen);
  });
  for (const { seq } of beyondThem)
    faults.add({ seq, kind: 'inserted', text: 'It has a number that was not given yet.' });
}

/** As many rows as fit, and all that blocks have of the same numbers: few blocks at once, however many rows are gone. */
async function nextWindow(
  { read }: AuditWorld,
  after: number,
  { given, lastBlock }: { given: number; lastBlock: number },
): Promise<{ rows: Row[]; sealed: Map<number, Sealed>; end: number }> {
  return read(async ({ auditLog }) => {
    const found = await auditLog.inOrder(after, { limit: rowsAtOnce, upTo: given, twins: true });
    let end = found.length < rowsAtOnce ? given : found.at(-1)!.seq;
    let blocks: AuditBlock[] = [];
    for (let limit = blocksAtOnce; ; limit *= 2) {
      blocks = await auditLog.blocksOver(after + 1, end, limit);
      const last = blocks.at(-1);
      if (!last || blocks.length < limit) break;
      if (last.low! - 1 > after) {
        end = last.low! - 1;
        break;
      }
    }
    const sealed = new Map<number, Sealed>();
    // Later ones have rows that were not there when these were read.
    for (const block of blocks.filter(({ number }) => number <= lastBlock))
      for (const { seq, print } of decodeEntries(block))
        if (seq > after && seq <= end) sealed.set(seq, { print, at: block.at });
    return { rows: found.filter(({ seq }) => seq <= end), sealed, end };
  });
}

interface Limits extends ChainFacts {
  settled: number;
}

function judge(world: AuditWorld, row: Row, sealed: Sealed | undefined, limits: Limits, faults: FaultList): void {
  const { seq } = row;
  const state = judgeMark(row, world.secrets);
  if (row.twin) return faults.add({ seq, kind: 'copied', text: 'It has the mark of another row: it is a copy.' });
  if (state === 'wrong') {
    if (!world.secrets.knows(row.mac!.slice(row.mac!.indexOf('.') + 1)))
      return faults.add({ seq, kind: 'unknown-key', text: `It is marked with the key ${keyOfMark(row.mac!)}, which SECRET_KEYS does not have.` });
    return faults.add({ seq, kind: 'changed', text: 'It does not say what it said when it was written.' });
  } // prettier-ignore
  if (state === 'unmarked' && !isEarlier(row, sealed, limits, world.now()))
    return faults.add({ seq, kind: 'inserted', text: 'It has no mark: it was not written by this program.' });
  if (!sealed) {
    if (seq <= limits.settled)
      return faults.add({ seq, kind: 'inserted', text: 'It is in no block: it was put there later, or its number was changed.' });
    return; // too young to be sealed
  } // prettier-ignore
  if (printOf(row).toString('base64') === sealed.print) return;
  if (state === 'right')
    faults.add({ seq, kind: 'exchanged', text: 'Another row stood under this number: they were exchanged.' });
  else faults.add({ seq, kind: 'changed', text: 'It does not say what it said when it was sealed.' });
}

/** Rows of before the marks, and of an earlier release that still ran when this one had begun. */
function isEarlier({ seq }: Row, sealed: Sealed | undefined, { start, settled }: Limits, now: Date): boolean {
  if (!start) return false;
  const overlap = start.at.getTime() + overlapMs;
  if (sealed) return seq <= start.seq || sealed.at.getTime() <= overlap;
  return seq > settled && now.getTime() <= overlap;
}

function isGone(seq: number, gone: readonly [first: number, last: number][]): boolean {
  let [low, high] = [0, gone.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = gone[middle]!;
    if (seq < first) high = middle - 1;
    else if (seq > last) low = middle + 1;
    else return true;
  }
  return false;
}
