/** Whether the audit trail is whole: every row that was there is there, as it was, and no other. */
import { newId } from '../identifier.ts';
import { decodeRuns, isWhole, type AuditBlock, type BlockNote } from './audit-block.ts';
import type { AuditCheck, AuditFault } from './audit-log.ts';
import { FaultList } from './audit-faults.ts';
import { verifyRows, type ChainFacts } from './audit-rows.ts';
import { noteInChain, sealAudit, type AuditWorld } from './audit-seal.ts';

export interface VerifyOptions {
  /** So many faults are told; all are counted. */
  mostFaults?: number;
  onProgress?(checked: number, total: number): void;
  signal?: AbortSignal;
}

const blocksAtOnce = 50;

/**
 * Seals what is new, then goes through all blocks, the anchors outside the database and all rows, in bounded memory, and names
 * what is not as it was: rows changed, removed, inserted, copied, exchanged; blocks changed or removed; an end cut off.
 * Its state is kept where other processes see it.
 *
 * It proves nothing about the time before the seals began, nor about rows that came and went between two of them (a minute), and
 * takes the keys of SECRET_KEYS for known to nobody else.
 */
export async function verifyAudit(world: AuditWorld, options: VerifyOptions = {}): Promise<AuditCheck> {
  const startedAt = world.now();
  const check: AuditCheck = {
    id: newId(), startedAt, changedAt: startedAt, state: 'running', checked: 0, total: 0, found: 0, faults: [], notes: [],
  }; // prettier-ignore
  const keep = () => world.transaction(({ auditLog }) => auditLog.keepCheck(check));
  try {
    await keep();
    await sealAudit(world);
    check.total = (await world.read(({ auditLog }) => auditLog.lastBlock()))?.total ?? 0;
    const faults = new FaultList(options.mostFaults ?? 1000);
    const facts = await verifyBlocks(world, faults);
    await verifyAnchors(world, facts, faults, check.notes);
    let told = performance.now();
    await verifyRows(world, facts, faults, async (checked) => {
      options.signal?.throwIfAborted();
      check.checked = checked;
      options.onProgress?.(checked, Math.max(check.total, checked));
      if (performance.now() - told < 2_000) return;
      told = performance.now();
      await keep();
    });
    Object.assign(check, { state: 'done', found: faults.found, faults: faults.told });
    for (const [first, last] of facts.gone) check.notes.push(`Rows ${first} to ${last} are past their retention.`);
    check.notes.splice(100);
    return check;
  } catch (error) {
    check.state = 'failed';
    throw error;
  } finally {
    check.changedAt = world.now();
    await keep();
  }
}

async function verifyBlocks(world: AuditWorld, faults: FaultList): Promise<ChainFacts> {
  const facts: ChainFacts = { start: undefined, gone: [], lost: new Set() };
  let before: AuditBlock | undefined;
  for (let from = 0; ;) {
    const blocks = await world.read(({ auditLog }) => auditLog.blocksFrom(from, blocksAtOnce));
    for (const block of blocks) {
      for (const text of faultsOf(world, block, before)) faults.add({ seq: block.low ?? 0, kind: 'block', text });
      if (block.signature !== null && (await world.signer.opened(block.signature)) === undefined)
        faults.add({ seq: block.low ?? 0, kind: 'block', text: `The signature of block ${block.number} is not ours.` });
      takeNote(block, facts);
      before = block;
    }
    if (blocks.length < blocksAtOnce) break;
    from = before!.number + 1;
  }
  facts.gone.sort(([a], [b]) => a - b);
  return facts;
}

function faultsOf({ secrets }: AuditWorld, block: AuditBlock, before: AuditBlock | undefined): string[] {
  const { number } = block;
  const expected = (before?.number ?? -1) + 1;
  const faults: string[] = [];
  if (number !== expected)
    faults.push(
      number - expected === 1 ? `Block ${expected} is missing.` : `Blocks ${expected} to ${number - 1} are missing.`,
    );
  else if (block.previous !== (before?.digest ?? ''))
    faults.push(`Block ${number} does not follow from the one before.`);
  if (!secrets.knows(block.digest))
    faults.push(`Block ${number} was sealed with a key that SECRET_KEYS does not have.`);
  else if (!isWhole(block, secrets)) faults.push(`Block ${number} was changed.`);
  return faults;
}

function takeNote(block: AuditBlock, facts: ChainFacts): void {
  if (block.note === null) return;
  const note = JSON.parse(block.note) as BlockNote;
  if ('start' in note) facts.start = { at: block.at, seq: note.seq };
  else if ('restored' in note) for (const digest of note.lost) facts.lost.add(digest);
  else facts.gone.push(...decodeRuns(block));
}

interface Anchored {
  audit: { number: number; digest: string; at: string; rows: number; last: number };
}

/** Compares what was written down outside the database with the blocks that are there. */
async function verifyAnchors(world: AuditWorld, facts: ChainFacts, faults: FaultList, notes: string[]): Promise<void> {
  let [count, line] = [0, 0];
  const waiting: Anchored['audit'][] = [];
  const compare = async () => {
    const known = await world.read(({ auditLog }) => auditLog.blockDigests(waiting.map(({ number }) => number)));
    const digests = new Map(known.map(({ number, digest }) => [number, digest]));
    for (const { number, digest, at, rows, last } of waiting.splice(0)) {
      if (digests.get(number) === digest || facts.lost.has(digest)) continue;
      const what = digests.has(number) ? 'is another one than' : 'is gone, which was';
      const text = `Block ${number} ${what} written down at ${at} outside the database; ${rows} rows, up to ${last}, were sealed then.`;
      faults.add({ seq: last, kind: 'truncated', text });
    }
  };
  for await (const jws of world.auditAnchors.lines()) {
    line++;
    const statement = await world.signer.opened(jws);
    if (statement === undefined) {
      faults.add({
        seq: 0,
        kind: 'truncated',
        text: `Line ${line} of the anchors is not signed by this installation.`,
      });
      continue;
    }
    count++;
    waiting.push((JSON.parse(statement) as Anchored).audit);
    if (waiting.length === 500) await compare();
  }
  await compare();
  if (count === 0)
    notes.push('There are no anchors in the data folder of this process: an end that was cut off would not be seen.');
}

/** What the page says of the chain. */
export interface ChainState {
  rows: number;
  /** Sealed. */
  linked: number;
  lastCheckpoint?: { at: Date; seq: number };
  check?: AuditCheck;
}

export async function chainState(world: AuditWorld): Promise<ChainState> {
  return world.read(async ({ auditLog }) => {
    const [last, signed, check] = await Promise.all([
      auditLog.lastBlock(),
      auditLog.lastBlock('signed'),
      auditLog.lastCheck(),
    ]);
    const linked = last?.total ?? 0;
    const settled = await auditLog.settled();
    const sealedBehind = (await auditLog.blocksOver(settled + 1, Number.MAX_SAFE_INTEGER, 1000)).reduce(
      (sum, { entries }) => sum + entries.length / 16,
      0,
    );
    const open = Math.max(0, (await auditLog.countAfter(settled)) - sealedBehind);
    return {
      rows: linked + open,
      linked,
      ...(signed && { lastCheckpoint: { at: signed.at, seq: signed.seen ?? signed.high ?? 0 } }),
      ...(check && { check: lively(check, world.now()) }),
    };
  });
}

/** A process that died over it says nothing any more. */
function lively(check: AuditCheck, now: Date): AuditCheck {
  const silent = check.state === 'running' && now.getTime() - check.changedAt.getTime() > 120_000;
  return silent ? { ...check, state: 'failed' } : check;
}

/** Tells the chain that a back-up was restored: blocks that the anchors know and the tables lack are lost for that reason. */
export async function acceptRestore(world: AuditWorld, reason: string): Promise<number> {
  const lost: string[] = [];
  for await (const jws of world.auditAnchors.lines()) {
    const statement = await world.signer.opened(jws);
    if (statement === undefined) continue;
    const { number, digest } = (JSON.parse(statement) as Anchored).audit;
    const [block] = await world.read(({ auditLog }) => auditLog.blockDigests([number]));
    if (block?.digest !== digest) lost.push(digest);
  }
  if (lost.length > 0) await world.transaction((stores) => noteInChain(world, stores, { restored: reason, lost }));
  return lost.length;
}

export type { AuditCheck, AuditFault };
