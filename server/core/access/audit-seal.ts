import { setTimeout as sleep } from 'node:timers/promises';
import type { Reading, ReadsFrom, Stores, Surroundings, WritesTo } from '../world.ts';
import {
  checkpointOf,
  decodeEntries,
  digestOfBlock,
  encodeEntries,
  encodeRuns,
  type AuditBlock,
  type BlockNote,
  type UnsealedBlock,
} from './audit-block.ts';
import { printOf } from './audit-mark.ts';

/** What those who seal and verify take of the world. */
export type AuditWorld = Pick<Surroundings, 'secrets' | 'signer' | 'auditAnchors' | 'now'> &
  ReadsFrom<'auditLog'> &
  WritesTo<'auditLog'>;

type Sealing = Pick<AuditWorld, 'secrets' | 'signer' | 'now'>;
type SealStores = Pick<Stores, 'auditLog'>;

const rowsOfBlock = 2_000;
/** A number is drawn a moment before its transaction is known to run. */
const drawMs = 50;
const checkpointMs = 3_600_000;

/**
 * Seals the rows that are committed and in no block yet. Safe to call at any time and by several at once.
 *
 * Rows come out of order: one may be numbered before another and committed after it. So each round remembers up to which
 * number it has looked (`seen`) and which transactions ran then (`horizon`). What a later round finds to have ended by its
 * own beginning it has seen whole (`settled`), and the next one looks again at all behind that. Writers of rows wait for nobody.
 *
 * @returns how many rows were sealed.
 */
export async function sealAudit(world: AuditWorld): Promise<number> {
  await begin(world);
  const { from, ...round } = await world.read(async ({ auditLog }) => {
    const [from, settled, { seen }] = [
      await auditLog.settled(),
      await auditLog.passed(world.now()),
      await auditLog.horizon(),
    ];
    await sleep(drawMs);
    return { from, settled, seen, horizon: (await auditLog.horizon()).horizon };
  });
  let sealed = 0;
  for (let after = from, last = false; !last;) {
    const rows = await world.read(({ auditLog }) => auditLog.inOrder(after, { limit: rowsOfBlock, upTo: round.seen }));
    last = rows.length < rowsOfBlock;
    const prints = rows.map((row) => ({ seq: row.seq, print: printOf(row) }));
    const kept = await world.transaction(async (stores) => {
      await stores.auditLog.lockSeals();
      const fresh = await unsealed(stores, prints);
      const signs = last && (await isDue(stores, world.now()));
      if (fresh.length === 0 && !signs && !(last && sealed > 0)) return undefined;
      const [low = null, high = null] = [fresh[0]?.seq, fresh.at(-1)?.seq];
      const seals = { low, high, entries: encodeEntries(fresh), ...(last && round) };
      return { rows: fresh.length, block: await addBlock(world, stores, { kind: 'rows', ...seals }, signs) };
    });
    if (kept) await anchor(world, kept.block);
    sealed += kept?.rows ?? 0;
    after = rows.at(-1)?.seq ?? after;
  }
  return sealed;
}

/** The first block: from here on every row has a mark; earlier ones are sealed as they are found. */
async function begin(world: AuditWorld): Promise<void> {
  if (await world.read(({ auditLog }) => auditLog.lastBlock())) return;
  const block = await world.transaction(async (stores) => {
    await stores.auditLog.lockSeals();
    if (await stores.auditLog.lastBlock()) return undefined;
    const { seen } = await stores.auditLog.horizon();
    return addBlock(world, stores, { kind: 'start', note: { start: 'earlier rows up to', seq: seen } }, true);
  });
  if (block) await anchor(world, block);
}

async function unsealed(
  { auditLog }: Pick<Reading, 'auditLog'>,
  prints: { seq: number; print: Uint8Array }[],
): Promise<{ seq: number; print: Uint8Array }[]> {
  const [first, last] = [prints[0], prints.at(-1)];
  if (!first || !last) return [];
  const sealed = new Set<number>();
  for (const block of await auditLog.blocksOver(first.seq, last.seq, 100_000))
    for (const { seq } of decodeEntries(block)) if (seq >= first.seq && seq <= last.seq) sealed.add(seq);
  return prints.filter(({ seq }) => !sealed.has(seq));
}

async function isDue({ auditLog }: Pick<Reading, 'auditLog'>, now: Date): Promise<boolean> {
  const signed = await auditLog.lastBlock('signed');
  return !signed || now.getTime() - signed.at.getTime() >= checkpointMs;
}

interface NewBlock {
  kind: AuditBlock['kind'];
  low?: number | null;
  high?: number | null;
  entries?: Buffer;
  seen?: number;
  horizon?: string;
  settled?: number;
  note?: BlockNote;
}

/** Binds a block to the last one; whoever calls it holds the lock. */
async function addBlock(
  world: Sealing,
  { auditLog }: SealStores,
  block: NewBlock,
  signs: boolean,
): Promise<AuditBlock> {
  const before = await auditLog.lastBlock();
  const rows = block.kind === 'rows' ? (block.entries?.length ?? 0) / 16 : 0;
  const unsealed: UnsealedBlock = {
    number: (before?.number ?? -1) + 1,
    kind: block.kind,
    at: world.now(),
    low: block.low ?? null,
    high: block.high ?? null,
    total: (before?.total ?? 0) + rows,
    entries: block.entries ?? Buffer.alloc(0),
    seen: block.seen ?? null,
    horizon: block.horizon ?? null,
    settled: block.settled ?? null,
    note: block.note === undefined ? null : JSON.stringify(block.note),
    previous: before?.digest ?? '',
  };
  const whole = { ...unsealed, digest: digestOfBlock(unsealed, world.secrets) };
  const signature = signs ? await world.signer.sign(checkpointOf(whole)) : null;
  const kept: AuditBlock = { ...whole, signature };
  await auditLog.addBlock(kept);
  return kept;
}

/**
 * Writes down that rows are gone and why, so that nobody takes it for tampering: in the transaction in which they go.
 *
 * @param runs first and last number of each run of them.
 */
export async function noteInChain(
  world: Sealing,
  stores: SealStores,
  note: BlockNote,
  runs: readonly [first: number, last: number][] = [],
): Promise<void> {
  await stores.auditLog.lockSeals();
  await addBlock(world, stores, { kind: 'note', note, entries: encodeRuns(runs) }, true);
}

async function anchor({ signer, auditAnchors }: AuditWorld, block: AuditBlock): Promise<void> {
  const { number, digest, total: rows } = block;
  if (block.signature !== null) await auditAnchors.add(block.signature, { number, digest, rows });
  await auditAnchors.keepHead(block.signature ?? (await signer.sign(checkpointOf(block))));
}
