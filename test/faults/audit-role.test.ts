import { readFile } from 'node:fs/promises';
import type { Patient } from '@medplum/fhirtypes';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealAudit } from '../../server/core/access/audit-seal.ts';
import { verifyAudit } from '../../server/core/access/audit-chain.ts';
import { jwsSigner, makeSigningKey } from '../../server/infrastructure/jws-signer.ts';
import { expireAudit, keepAuditPartitions } from '../../server/infrastructure/postgres/audit/partitions.ts';
import { migrate } from '../../server/infrastructure/postgres/migrate.ts';
import { connect } from '../../server/infrastructure/postgres/connection.ts';
import { caller } from '../harness/calls.ts';
import { emptyCopy } from '../harness/database.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { testSecrets } from '../harness/world.ts';

// The server with a role that can only add to the trail: PostgreSQL itself refuses the rest.
const suffix = `_test_${process.pid}`;
const [ownerRole, appRole] = [`csss_owner${suffix}`, `csss_app${suffix}`];
let database: Awaited<ReturnType<typeof emptyCopy>>;
let admin: pg.Client;
let app: pg.Client;
let urls: { owner: string; app: string };
let server: TestServer;

/** As an operator does it; under names that no other test uses, because roles are the whole cluster's. */
async function rolesText(): Promise<string> {
  const file = new URL('../../server/infrastructure/postgres/roles.sql', import.meta.url);
  const text = await readFile(file, 'utf8');
  return text.replaceAll('csss_owner', ownerRole).replaceAll('csss_app', appRole);
}

async function makeRoles(): Promise<void> {
  await admin.query(await rolesText());
}

function as(role: string): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'of-this-test';
  return url.href;
}

beforeAll(async () => {
  database = await emptyCopy();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await makeRoles();
  for (const role of [ownerRole, appRole]) await admin.query(`alter role ${role} password 'of-this-test'`);
  urls = { owner: as(ownerRole), app: as(appRole) };
  server = await startTestServer({
    environment: { DATABASE_URL: urls.app, DATABASE_OWNER_URL: urls.owner },
    demoData: true,
  });
  for (let again = 0; again < 5; again++) await makeRoles(); // safe, also while the server runs
  app = new pg.Client({ connectionString: urls.app });
  await app.connect();
}, 240_000);
afterAll(async () => {
  await app?.end();
  await server?.stop();
  for (const role of [appRole, ownerRole]) await admin.query(`drop owned by ${role} cascade`);
  await admin.end();
  await database.drop();
  const cluster = new URL(database.url);
  cluster.pathname = '/postgres';
  const client = new pg.Client({ connectionString: cluster.href });
  await client.connect();
  for (const role of [appRole, ownerRole]) await client.query(`drop role if exists ${role}`);
  await client.end();
});

it('the whole server works: it answers, stores, takes jobs, keeps house and seals', async () => {
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  const [patient] = await doctor.search<Patient>('Patient?_count=1');
  expect((await doctor.get(`/fhir/Patient/${patient!.id}`)).status).toBe(200);
  const { world, growing } = server.system;
  expect(await growing.keepAudit()).toBe(0);
  expect(await growing.trimChanges()).toBe(0);
  expect(await sealAudit(world)).toBeGreaterThanOrEqual(0);
  expect(await verifyAudit(world)).toMatchObject({ found: 0 });
  const [used] = (await admin.query<{ roles: string[] }>(`select array_agg(distinct usename::text) as roles from pg_stat_activity where datname = current_database() and usename <> current_user`)).rows; // prettier-ignore
  expect(used!.roles).toEqual([appRole]);
});

describe('PostgreSQL refuses the role of the server', () => {
  const parts = async () => {
    const { rows } = await admin.query<{ name: string }>(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit'::regclass`);
    return rows.map(({ name }) => name);
  }; // prettier-ignore
  const refused = (statement: string) =>
    expect(app.query(statement), statement).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|42P01)$/) as string,
    });

  it('to change, remove, empty or alter the trail and its seals, as a whole or by its months', async () => {
    for (const table of ['audit', 'audit_block', ...(await parts())]) {
      await refused(`update ${table} set at = now()`);
      await refused(`delete from ${table}`);
      await refused(`truncate ${table}`);
      await refused(`alter table ${table} disable trigger all`);
      await refused(`alter table ${table} add column more text`);
      await refused(`drop table ${table}`);
      await refused(`create trigger mine before insert on ${table} for each row execute function refuse_change()`);
      await refused(`create index on ${table} (at)`);
    }
    for (const part of await parts())
      await refused(`insert into ${part} (action, event, outcome) values ('R', 'x', 'success')`);
  });

  it('to go around that', async () => {
    await refused(`set session_replication_role = replica`);
    await refused(`set role ${ownerRole}`);
    await refused(`create or replace function refuse_change() returns trigger language plpgsql as $$ begin return null; end $$`);
    await refused(`create table public.mine (a int)`);
    await refused(`alter table audit owner to ${appRole}`);
    await refused(`alter table audit detach partition ${(await parts())[0]}`);
    await refused(`grant update on audit to ${appRole}`).catch(() => undefined);
    const { rows } = await app.query<{ may: boolean }>(`select has_table_privilege('audit', 'update') or has_table_privilege('audit', 'delete') or has_table_privilege('audit', 'truncate') as may`);
    expect(rows[0]!.may).toBe(false);
  }); // prettier-ignore

  it('tables and functions of its own in front of those of the function that makes months', async () => {
    await expect(app.query(`select make_audit_partition('2026-01-15')`)).rejects.toThrow('first day');
    const { rows } = await app.query<{ made: boolean }>(`select make_audit_partition('2199-01-01') as made`);
    expect(rows[0]!.made).toBe(true);
    const owner = await admin.query<{ owner: string; acl: string | null }>(
      `select relowner::regrole::text as owner, relacl::text as acl from pg_class where relname = 'audit_2199_01'`,
    );
    expect(owner.rows[0]!.owner).toBe(ownerRole);
    expect(owner.rows[0]!.acl ?? '').not.toContain(appRole);
  });
});

it('roles made before the tables are the same as those made after', async () => {
  const name = `roles${suffix}`;
  const fresh = new URL(database.url);
  fresh.pathname = `/${name}`;
  await admin.query(`create database ${name}`);
  const client = new pg.Client({ connectionString: fresh.href });
  try {
    await client.connect();
    await client.query(await rolesText());
    fresh.username = ownerRole;
    fresh.password = 'of-this-test';
    expect((await migrate(fresh.href, () => undefined)).length).toBeGreaterThan(20);
    const { rows } = await client.query<{ table: string; acts: string }>(
      `select c.relname as table, string_agg(p, ',' order by p) as acts
         from pg_class c, unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) p
        where c.relname ~ '^(audit|audit_block|account|audit_default|audit_[0-9_]+)$' and c.relkind in ('r', 'p') and has_table_privilege('${appRole}', c.oid, p) group by 1`,
    );
    const acts = new Map(rows.map(({ table, acts: may }) => [table, may]));
    expect(acts.get('audit')).toBe('insert,select');
    expect(acts.get('audit_block')).toBe('insert,select');
    expect(acts.get('account')).toBe('delete,insert,select,update');
    expect([...acts].filter(([table, may]) => /^audit_(\d|default)/.test(table) && may !== 'select')).toEqual([]);
  } finally {
    await client.query(`drop owned by ${appRole}, ${ownerRole} cascade`);
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
  }
});

it('a month past its retention stays for the server, which says so, and goes for the owner', async () => {
  await admin.query(
    `insert into audit (at, action, event, outcome) values (now() - interval '3 years', 'R', 'x', 'success')`,
  );
  const sealing = { secrets: testSecrets, signer: jwsSigner([await makeSigningKey()]), now: () => new Date() };
  const [mine, owner] = [await connect(urls.app, { poolSize: 2 }), await connect(urls.owner, { poolSize: 2 })];
  try {
    const left: string[] = [];
    expect(await keepAuditPartitions(mine, 24, sealing, (name) => left.push(name))).toBe(1);
    expect(left.length).toBe(1);
    expect(await expireAudit(owner, 24, sealing)).toEqual(left);
  } finally {
    await Promise.all([mine.destroy(), owner.destroy()]);
  }
});
