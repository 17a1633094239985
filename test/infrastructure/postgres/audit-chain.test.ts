import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptRestore, chainState, verifyAudit } from '../../../server/core/access/audit-chain.ts';
import type { AuditFault } from '../../../server/core/access/audit-log.ts';
import type { AuditRow } from '../../../server/core/access/audit-trail.ts';
import { sealAudit } from '../../../server/core/access/audit-seal.ts';
import { systemPrincipal } from '../../../server/core/principal.ts';
import type { World } from '../../../server/core/world.ts';
import { auditAnchorFile } from '../../../server/infrastructure/audit-anchor-file.ts';
import { jwsSigner, makeSigningKey } from '../../../server/infrastructure/jws-signer.ts';
import { keepAuditPartitions } from '../../../server/infrastructure/postgres/audit/partitions.ts';
import { connect, managerSql } from '../../../server/infrastructure/postgres/connection.ts';
import { secretBox } from '../../../server/infrastructure/secret-box.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { testSettings, testWorld } from '../../harness/world.ts';

// The owner of the database may do anything to its tables, but for one thing: make a mark that fits without the key.
const signer = jwsSigner([await makeSigningKey()]);
const oldKey = Buffer.alloc(32, 'the key of last year');
const newKey = Buffer.alloc(32, 'the key of this year');
let database: TestDatabase;
let folder: string;
let world: World;
let clock = 0;

function worldWith(keys: Buffer[]): World {
  const secrets = secretBox(keys);
  const now = () => new Date(Date.now() + clock);
  const parts = { secrets, now, signer, auditAnchors: auditAnchorFile(folder, () => undefined) };
  return testWorld(database, testSettings('https://csss.test'), { ...parts }, undefined, { keys: secrets, now });
}

beforeEach(async () => {
  clock = 0;
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'csss-anchor-'));
  world = worldWith([oldKey]);
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const query = <Row>(text: string, values: unknown[] = []) => database.sql.query<Row>(text, values);
const append = (more: Partial<AuditRow> = {}) =>
  world.read(({ audit }) =>
    audit.append({ action: 'R', event: 'fhir:read', outcome: 'success', principal: systemPrincipal('test'), ...more }),
  );
async function rows(count: number): Promise<number[]> {
  for (let n = 0; n < count; n++) await append({ patients: [`p${n}`], entities: [`Patient/p${n}/_history/1`] });
  return (await query<{ seq: number }>(`select seq from audit order by seq`)).map(({ seq }) => seq);
}
/** As who owns the tables: the triggers that refuse changes are off meanwhile. */
async function asOwner(...statements: string[]): Promise<void> {
  await database.dataSource.transaction(async (manager) => {
    const sql = await managerSql(manager);
    await sql.query(`set local session_replication_role = replica`);
    for (const statement of statements) await sql.query(statement);
  });
}
const told = async (verifier = world): Promise<AuditFault[]> => (await verifyAudit(verifier)).faults;
const short = (faults: AuditFault[]) => faults.map(({ seq, to, kind }) => [kind, seq, ...(to ? [to] : [])]);

describe('a trail that nobody touched', () => {
  it('is whole, however many seals were made of it', async () => {
    await rows(5);
    expect(await sealAudit(world)).toBe(5);
    await rows(3);
    const check = await verifyAudit(world);
    expect(check).toMatchObject({ state: 'done', found: 0, faults: [], checked: 8, total: 8 });
    expect(await sealAudit(world)).toBe(0);
    expect(await chainState(world)).toMatchObject({ rows: 8, linked: 8, check: { state: 'done', found: 0 } });
  });

  it('is whole when a row is committed after others that have higher numbers', async () => {
    const slow = await connect(database.url, { poolSize: 1 });
    await rows(1);
    await slow.transaction(async (manager) => {
      await (await managerSql(manager)).query(`select nextval('audit_seq')`);
      await world.transaction(async ({ audit }) => {
        await audit.append({ action: 'R', event: 'slow', outcome: 'success', principal: undefined });
        await append({ event: 'quick' });
        expect(await sealAudit(world)).toBe(2);
        await append({ event: 'quick' });
        expect(await sealAudit(world)).toBe(1);
      });
      expect(await sealAudit(world)).toBe(1);
    });
    await slow.destroy();
    await rows(1);
    expect(await told()).toEqual([]);
    expect(await told()).toEqual([]);
  });

  it('is whole when many write and several seal at once', async () => {
    await Promise.all([
      ...Array.from({ length: 40 }, (_, n) => append({ event: `e${n}` })),
      sealAudit(world), sealAudit(world), sealAudit(world),
      ...Array.from({ length: 40 }, (_, n) => append({ event: `f${n}` })),
    ]); // prettier-ignore
    expect(await verifyAudit(world)).toMatchObject({ found: 0, checked: 80, total: 80 });
  });

  it('is whole with rows of any content, refused and summed ones, and strange letters', async () => {
    await append({ query: 'name=Müller&x=%00', requestId: 'ü "q" \\ \u2028', entities: ['a\nb', ''], patients: [] });
    await append({ outcome: 'refused', reason: 'forbidden', times: 40, sourceAddress: '::1', principal: undefined });
    await append({ purpose: 'BTG', principal: { kind: 'user', subject: 'a', clientId: 'c', role: 'doctor', fhirUser: 'Practitioner/1', tokenId: 't', scopes: [] } }); // prettier-ignore
    expect(await told()).toEqual([]);
  });

  it('is whole under a new key while the old one is in the list, and says so when it is not', async () => {
    const [first] = await rows(1);
    await sealAudit(world);
    world = worldWith([newKey, oldKey]);
    await rows(1);
    expect(await told()).toEqual([]);
    const faults = await told(worldWith([newKey]));
    expect(short(faults.filter(({ kind }) => kind !== 'block'))).toEqual([['unknown-key', first]]);
    expect(faults.find(({ kind }) => kind === 'block')?.text).toContain('a key that SECRET_KEYS does not have');
  });
});

describe('what the owner of the database does to rows', () => {
  it('names a row that was changed, in each of its columns', async () => {
    const seqs = await rows(20);
    await sealAudit(world);
    const changes = [
      `at = at + interval '1 ms'`, `action = 'U'`, `event = 'fhir:update'`, `outcome = 'refused'`, `kind = 'user'`, `subject = 'x'`,
      `client_id = 'x'`, `role = 'admin'`, `fhir_user = 'Practitioner/x'`, `token_id = 'x'`, `patients = '{}'`, `entities = '{}'`,
      `query = 'eA=='`, `request_id = 'x'`, `source_address = '10.0.0.1'`, `reason = 'x'`, `purpose = 'BTG'`, `times = 2`,
      `mac = 'x' || mac`,
    ]; // prettier-ignore
    await asOwner(...changes.map((change, n) => `update audit set ${change} where seq = ${seqs[n]}`));
    const columns = await query(
      `select from pg_attribute where attrelid = 'audit'::regclass and attnum > 0 and not attisdropped`,
    );
    expect(columns.length).toBe(changes.length + 1); // and the number, below
    const faults = await told();
    expect(faults).toEqual([expect.objectContaining({ kind: 'changed', seq: seqs[0], to: seqs[18] })]);
  });

  it('names rows that were removed, one or many', async () => {
    const seqs = await rows(9);
    await sealAudit(world);
    await asOwner(`delete from audit where seq in (${seqs[1]}, ${seqs[4]}, ${seqs[5]}, ${seqs[8]})`);
    expect(short(await told())).toEqual([
      ['removed', seqs[1]],
      ['removed', seqs[4], seqs[5]],
      ['removed', seqs[8]],
    ]);
  });

  it('names a row that was written by hand, at its place or in a gap', async () => {
    const seqs = await rows(3);
    await query(`select nextval('audit_seq')`);
    await rows(1);
    await sealAudit(world);
    await query(`insert into audit (action, event, outcome) values ('R', 'by-hand', 'success')`);
    await query(
      `insert into audit (seq, action, event, outcome, mac) values ($1, 'R', 'by-hand', 'success', 'a.b.c')`,
      [seqs[2]! + 1],
    );
    await query(`insert into audit (seq, action, event, outcome) values (99999, 'R', 'by-hand', 'success')`);
    // A release before this one may still write for an hour beside it; this is later.
    clock = 2 * 3_600_000;
    expect(short(await told())).toEqual([
      ['unknown-key', seqs[2]! + 1],
      ['inserted', seqs[2]! + 3],
      ['inserted', 99999],
    ]);
  });

  it('names a copy of a row, under a new number, in a gap, and as a row of later', async () => {
    const seqs = await rows(2);
    await query(`select nextval('audit_seq')`);
    await rows(1);
    await sealAudit(world);
    const columns = `at, action, event, outcome, kind, subject, client_id, role, fhir_user, token_id, patients, entities, query, request_id, source_address, mac`;
    await query(`insert into audit (${columns}) select ${columns} from audit where seq = $1`, [seqs[0]]);
    await query(`insert into audit (seq, ${columns}) select $2, ${columns} from audit where seq = $1`, [
      seqs[0],
      seqs[1]! + 1,
    ]);
    expect(short(await told())).toEqual([
      ['copied', seqs[1]! + 1],
      ['copied', seqs[1]! + 3],
    ]);
  });

  it('names rows whose contents were exchanged, and one that was given another number', async () => {
    const [a, b, c] = (await rows(4)) as [number, number, number];
    await sealAudit(world);
    await asOwner(
      `update audit set seq = -1 where seq = ${a}`, `update audit set seq = ${a} where seq = ${b}`, `update audit set seq = ${b} where seq = -1`,
      `update audit set seq = seq + 1000 where seq = ${c}`,
    ); // prettier-ignore
    expect(short(await told())).toEqual([
      ['exchanged', a, b],
      ['removed', c],
      ['inserted', c + 1000],
    ]);
  });
});

describe('what the owner of the database does to the seals', () => {
  const kinds = (faults: AuditFault[]) => [...new Set(faults.map(({ kind }) => kind))];

  it('names a block that was changed, and one that is missing', async () => {
    for (let n = 0; n < 3; n++) {
      await rows(2);
      await sealAudit(world);
    }
    await asOwner(
      `update audit_block set total = total + 1 where number = 1`,
      `delete from audit_block where number = 2`,
    );
    const faults = await told();
    expect(faults.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['Block 1 was changed.', 'Block 2 is missing.']),
    );
    expect(kinds(faults)).toContain('block');
  });

  it('sees that the end was cut off, rows and blocks together, by what is written down outside', async () => {
    await rows(3);
    await sealAudit(world);
    await rows(3);
    await sealAudit(world);
    await asOwner(`delete from audit where seq > 3`, `delete from audit_block where number = 2`);
    const faults = await told();
    expect(kinds(faults)).toEqual(['truncated']);
    expect(faults[0]!.text).toContain('Block 2 is gone');
  });

  it('sees a trail that was begun anew', async () => {
    await rows(3);
    await sealAudit(world);
    await asOwner(`delete from audit`, `delete from audit_block`);
    await rows(2);
    expect(kinds(await told())).toContain('truncated');
  });

  it('sees that a line of the anchors was changed, and says when there are none', async () => {
    await rows(1);
    await sealAudit(world);
    const file = join(folder, 'audit', 'checkpoints.jws');
    const lines = await readFile(file, 'utf8');
    await writeFile(file, lines.replace(/\.[^.]+\n/, '.AAAA\n'));
    expect(kinds(await told())).toEqual(['truncated']);
    await rm(join(folder, 'audit'), { recursive: true });
    const check = await verifyAudit(world);
    expect(check.notes.join()).toContain('no anchors');
    expect(check.found).toBe(0);
  });

  it('takes a restored back-up for one after it was said to be one, and not before', async () => {
    await rows(2);
    await sealAudit(world);
    await rows(2);
    await sealAudit(world);
    await asOwner(`delete from audit where seq > 2`, `delete from audit_block where number = 2`);
    expect(kinds(await told())).toEqual(['truncated']);
    expect(await acceptRestore(world, 'back-up of the night')).toBe(1);
    expect(await told()).toEqual([]);
  });
});

it('takes months past their retention for what they are, and a month dropped by hand for a fault', async () => {
  const [first] = await rows(1);
  const months = async (back: number) => {
    clock = -back * 31 * 86_400_000;
    await rows(2);
    clock = 0;
  };
  await months(20);
  await months(15);
  await keepAuditPartitions(database.dataSource, 0, world);
  await sealAudit(world);
  expect(await keepAuditPartitions(database.dataSource, 18, world)).toBe(1);
  const kept = await verifyAudit(world);
  expect(kept).toMatchObject({ found: 0 });
  expect(kept.notes).toEqual([`Rows ${first! + 1} to ${first! + 2} are past their retention.`]);
  const [oldest] = await query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit'::regclass order by 1 limit 1`,
  );
  await query(`drop table ${oldest!.name}`);
  expect(short(await told())).toEqual([['removed', first! + 3, first! + 4]]);
});

it('seals the rows of earlier releases as they are found, and names one that is changed afterwards', async () => {
  await query(
    `insert into audit (at, action, event, outcome, patients)
     select now() - make_interval(hours => n), 'R', 'fhir:read', 'success', array['p' || n] from generate_series(1, 6000) n`,
  );
  expect(await sealAudit(world)).toBe(6000);
  clock = 86_400_000;
  expect(await told()).toEqual([]);
  await asOwner(`update audit set event = 'fhir:search' where seq = 4711`, `delete from audit where seq = 5999`);
  expect(short(await told())).toEqual([
    ['changed', 4711],
    ['removed', 5999],
  ]);
});

it('tells the first faults and counts all, in bounded memory', async () => {
  await query(
    `insert into audit (action, event, outcome, patients) select 'R', 'fhir:read', 'success', array['p' || n] from generate_series(1, 12000) n`,
  );
  await sealAudit(world);
  await asOwner(
    `update audit set event = 'x' where seq % 10 = 0`,
    `delete from audit where seq > 7000 and seq % 2 = 1`,
  );
  const check = await verifyAudit(world, { mostFaults: 50 });
  expect(check.found).toBe(1200 + 2500);
  expect(check.faults.length).toBe(50);
});
