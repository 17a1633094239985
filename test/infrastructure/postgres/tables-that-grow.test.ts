import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { sharedAudit } from '../../../server/infrastructure/postgres/audit/audit.ts';
import { keepAuditPartitions } from '../../../server/infrastructure/postgres/audit/partitions.ts';
import { changesAfter, trimChanges } from '../../../server/infrastructure/postgres/records/change-feed.ts';
import { connect, managerSql } from '../../../server/infrastructure/postgres/connection.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { testSecrets, testStamp } from '../../harness/world.ts';
import { jwsSigner, makeSigningKey } from '../../../server/infrastructure/jws-signer.ts';

const sealing = { ...testStamp, secrets: testSecrets, signer: jwsSigner([await makeSigningKey()]) };
let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.close());

const query = <Row>(text: string, values: unknown[] = []) => database.sql.query<Row>(text, values);

describe('the audit trail', () => {
  interface Partition {
    name: string;
    rows: number;
  }
  const month = (ahead: number): string => {
    const now = new Date();
    const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    return `audit_${day.toISOString().slice(0, 7).replace('-', '_')}`;
  };
  const keep = (months = 0) => keepAuditPartitions(database.dataSource, months, sealing);
  async function partitions(): Promise<string[]> {
    const rows = await query<Partition>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit'::regclass order by 1`,
    );
    return rows.map(({ name }) => name);
  }
  /** A row of so many months before or after now; in the middle of the month, UTC. */
  const row = (months: number, event = 'fhir:read') =>
    query(
      `insert into audit (at, action, event, outcome)
       values ((date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1, days => 14)) at time zone 'UTC', 'R', $2, 'success')`,
      [months, event],
    );
  const places = () =>
    query<Partition>(`select tableoid::regclass::text as name, count(*) as rows from audit group by 1 order by 1`);

  it('has partitions for this month and the next two, and one for everything else', async () => {
    expect(await partitions()).toEqual([month(0), month(1), month(2), 'audit_default'].sort());
    expect(await keep()).toBe(0);
  });

  it('takes a row of any time; what no month was made for moves into its own when house is kept', async () => {
    for (const months of [-40, -1, 0, 5, 5]) await row(months);
    expect((await places()).find(({ name }) => name === 'audit_default')).toMatchObject({ rows: 4 });
    expect(await keep()).toBe(3);
    expect(await places()).toEqual(
      [
        { name: month(-40), rows: 1 },
        { name: month(-1), rows: 1 },
        { name: month(0), rows: 1 },
        { name: month(5), rows: 2 },
      ].sort((a, b) => a.name.localeCompare(b.name)),
    );
    await expect(query(`delete from audit_default`)).rejects.toThrow(); // append-only again
    await expect(query(`delete from ${month(5)}`)).rejects.toThrow();
  });

  it('loses the months that are past their retention, whole ones only, and says so in itself', async () => {
    for (const months of [-14, -13, -12, -1, 0]) await row(months);
    await keep();
    expect(await keep()).toBe(0); // 0 is for ever
    expect(await keep(12)).toBe(2);
    expect((await partitions()).slice(0, 2)).toEqual([month(-12), month(-1)]);
    expect(await query(`select action, entities, subject from audit where event = 'audit:retention' order by seq`)).toEqual(
      [month(-14), month(-13)].map((name) => ({ action: 'D', entities: [name], subject: 'house-keeping' })),
    ); // prettier-ignore
    expect(await keep(12)).toBe(0);
  });

  it('gives up a change of partitions soon when the table is in use, and does it later', async () => {
    await row(5);
    const reader = await connect(database.url, { poolSize: 1 });
    await reader.transaction(async (manager) => {
      await (await managerSql(manager)).query(`select count(*) from audit`);
      await expect(keep()).rejects.toMatchObject({ code: 'transient' });
      await sharedAudit(database.sql, testStamp).append({
        action: 'R',
        event: 'fhir:read',
        outcome: 'success',
        principal: systemPrincipal('test'),
      });
    });
    await reader.destroy();
    expect(await keep()).toBe(1);
  });

  it('gives every row its own number, whatever its partition', async () => {
    for (const months of [0, 1, 5, 0]) await row(months);
    await keep();
    const [numbers] = await query<{ rows: number; numbers: number }>(
      `select count(*) as rows, count(distinct seq) as numbers from audit`,
    );
    expect(numbers).toEqual({ rows: 4, numbers: 4 });
  });

  it('is asked by patient and by time through an index of each partition', async () => {
    await row(0);
    const [gin] = await query<{ options: string[] }>(
      `select reloptions as options from pg_class where oid = (
         select indexrelid from pg_index join pg_class c on c.oid = indexrelid join pg_am on pg_am.oid = c.relam
          where indrelid = '${month(0)}'::regclass and amname = 'gin')`,
    );
    expect(gin).toEqual({ options: ['fastupdate=off'] });
  });
});

describe('the news of records', () => {
  const news = (id: string, days: number) =>
    query(
      `insert into change (type, id, version, patients, at) values ('Patient', $1, 1, '{}', now() - make_interval(days => $2))`,
      [id, days],
    );
  const ids = async (cursor?: string) => (await changesAfter(database.sql, cursor, 100)).map(({ id }) => id);
  /** Transactions of other databases of this server hold the feed up, too: news that are over are given out soon. */
  const shown = (...wanted: string[]) => expect.poll(() => ids(), { timeout: 20_000, interval: 20 }).toEqual(wanted);

  it('come in the order of their transactions, and none before an older transaction has ended', async () => {
    await news('a', 0);
    const slow = await connect(database.url, { poolSize: 1 });
    await slow.transaction(async (manager) => {
      const sql = await managerSql(manager);
      await sql.query(`insert into change (type, id, version, patients) values ('Patient', 'slow', 1, '{}')`);
      await news('b', 0);
      await shown('a');
    });
    await slow.destroy();
    await shown('a', 'slow', 'b');
    const [first] = await changesAfter(database.sql, undefined, 1);
    expect(await ids(first!.cursor)).toEqual(['slow', 'b']);
  });

  it('are trimmed after their retention, more than a batch of them', async () => {
    await query(
      `insert into change (type, id, version, patients, at)
       select 'Patient', n::text, 1, '{}', now() - interval '15 days' from generate_series(1, 12000) n`,
    );
    await news('young', 13);
    const last = async () => (await changesAfter(database.sql, undefined, 20_000)).at(-1)?.id;
    await expect.poll(last, { timeout: 20_000 }).toBe('young');
    expect(await trimChanges(database.sql, 14)).toBe(12_000);
    expect(await ids()).toEqual(['young']);
    expect(await trimChanges(database.sql, 14)).toBe(0);
  });

  it('tell a reader that stopped too long ago that it missed some', async () => {
    await news('a', 20);
    await news('b', 16);
    await news('c', 1);
    await shown('a', 'b', 'c');
    const [a, b] = await changesAfter(database.sql, undefined, 2);
    expect(await trimChanges(database.sql, 14)).toBe(2);
    await expect(changesAfter(database.sql, a!.cursor, 10)).rejects.toMatchObject({ code: 'deleted' });
    expect(await ids(b!.cursor)).toEqual(['c']);
    expect(await ids()).toEqual(['c']);
  });

  it('of a transaction that still runs are not trimmed, nor those after them', async () => {
    const slow = await connect(database.url, { poolSize: 1 });
    await slow.transaction(async (manager) => {
      const sql = await managerSql(manager);
      await sql.query(`insert into change (type, id, version, patients) values ('Patient', 'slow', 1, '{}')`);
      await news('old', 20);
      expect(await trimChanges(database.sql, 14)).toBe(0);
    });
    await slow.destroy();
    await shown('slow', 'old');
    expect(await trimChanges(database.sql, 14)).toBe(1);
  });
});
