import type { AePermission } from '../../../core/accounts/remote-aes/ae-principal.ts';
import type { RemoteAe, RemoteAeStore } from '../../../core/accounts/remote-aes/remote-ae-store.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';

interface AeRow {
  id: string;
  title: string;
  name: string;
  addresses: string[];
  host: string | null;
  port: number | null;
  tls: boolean;
  fingerprint: string | null;
  may: AePermission[];
  disabled: boolean;
  version: number;
  created_at: Date;
  registered_by: string | null;
  last_contact_at: Date | null;
}

const columns =
  'id, title, name, addresses, host, port, tls, fingerprint, may, disabled, version, created_at, registered_by, last_contact_at';

/** Registered application entities in PostgreSQL. */
export function postgresRemoteAes(sql: Sql): RemoteAeStore {
  const find = async (condition: string, value: string) => {
    if (value.includes('\0')) return undefined;
    const [row] = await sql.query<AeRow>(`select ${columns} from remote_ae where ${condition} = $1`, [value]);
    return row && toAe(row);
  };
  return {
    byId: (id) => find('id', id),
    byTitle: (title) => find('title', title),
    async all() {
      return (await sql.query<AeRow>(`select ${columns} from remote_ae order by lower(title), id`)).map(toAe);
    },
    async insert(ae) {
      const rows = await sql.query(
        `insert into remote_ae (id, title, name, addresses, host, port, tls, fingerprint, may, disabled, registered_by)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
         on conflict do nothing returning id`,
        [...valuesOf(ae), ae.registeredBy ?? null],
      );
      if (rows.length === 0) throw taken(ae.title);
    },
    async update(ae) {
      const [other] = await sql.query(`select from remote_ae where title = $1 and id <> $2`, [ae.title, ae.id]);
      if (other) throw taken(ae.title);
      const rows = await sql.query(
        `update remote_ae set title = $2, name = $3, addresses = $4, host = $5, port = $6, tls = $7, fingerprint = $8, may = $9,
           disabled = $10, version = version + 1
          where id = $1 and version = $11 returning id`,
        [...valuesOf(ae), ae.version],
      );
      return rows.length === 1;
    },
    async remove(id) {
      return (await sql.query(`delete from remote_ae where id = $1 returning id`, [id])).length === 1;
    },
    async noteContact(id) {
      await sql.query(
        `update remote_ae set last_contact_at = now()
          where id = $1 and (last_contact_at is null or last_contact_at < now() - interval '1 minute')`,
        [id],
      );
    },
  };
}

function valuesOf(ae: Omit<RemoteAe, 'version' | 'createdAt'>): unknown[] {
  const { id, title, name, addresses, host, port, tls, fingerprint, may, disabled } = ae;
  return [id, title, name, addresses, host ?? null, port ?? null, tls, fingerprint ?? null, may, disabled];
}

function taken(title: string): Problem {
  return new Problem('duplicate', `title: ${title} is registered already.`, { expression: 'title' });
}

function toAe(row: AeRow): RemoteAe {
  const { id, title, name, addresses, tls, may, disabled, version } = row;
  return {
    ...{ id, title, name, addresses, tls, may, disabled, version },
    createdAt: row.created_at,
    ...(row.host !== null && { host: row.host }),
    ...(row.port !== null && { port: row.port }),
    ...(row.fingerprint !== null && { fingerprint: row.fingerprint }),
    ...(row.registered_by !== null && { registeredBy: row.registered_by }),
    ...(row.last_contact_at !== null && { lastContactAt: row.last_contact_at }),
  };
}
