import type { Logo, SetupStep, Site, SiteAddress, SiteStore } from '../../core/site/site-store.ts';
import type { Sql } from './connection.ts';

interface SiteRow {
  name: string | null;
  address: Partial<SiteAddress>;
  phone: string | null;
  languages: string[];
  time_zone: string | null;
  organization_id: string | null;
  has_logo: boolean;
  skipped: SetupStep[];
}

/** What an administrator says of the site, in the one row of its table. */
export function postgresSite(sql: Sql): SiteStore {
  const read = async (locking: '' | 'for update'): Promise<Site> => {
    const [row] = await sql.query<SiteRow>(
      `select name, address, phone, languages, time_zone, organization_id, skipped, logo is not null as has_logo
         from site ${locking}`,
    );
    return toSite(row!);
  };
  return {
    read: () => read(''),
    lock: () => read('for update'),
    async save({ name, address, phone, languages, timeZone }, organizationId) {
      await sql.query(
        `update site set name = $1, address = $2, phone = $3, languages = $4, time_zone = $5, organization_id = $6,
                         changed_at = now()`,
        [name, JSON.stringify(address), phone ?? null, languages, timeZone, organizationId],
      );
    },
    async skip(step) {
      await sql.query(
        `update site set skipped = array_append(skipped, $1), changed_at = now() where not $1 = any (skipped)`,
        [step],
      );
    },
    async logo() {
      const [row] = await sql.query<{ logo: Buffer | null; logo_type: Logo['type'] }>(
        `select logo, logo_type from site`,
      );
      return row?.logo ? { type: row.logo_type, bytes: row.logo } : undefined;
    },
    async setLogo(logo) {
      await sql.query(`update site set logo = $1, logo_type = $2, changed_at = now()`, [
        logo ? Buffer.from(logo.bytes) : null,
        logo?.type ?? null,
      ]);
    },
    facts: () => facts(sql),
  };
}

async function facts(sql: Sql): ReturnType<SiteStore['facts']> {
  const [row] = await sql.query<{ active: number; invited: number; mail_taken: boolean }>(
    `select count(*) filter (where password_hash is not null) as active,
            count(*) filter (where password_hash is null) as invited,
            exists (select from delivery where kind = 'test' and state = 'sent') as mail_taken
       from account where role = 'doctor' and not disabled`,
  );
  const clients = await sql.query<{ grant_types: string[]; allowed_scope: string | null }>(
    `select coalesce(metadata -> 'grant_types', '[]') as grant_types, allowed_scope
       from smart_client where not first_party and not disabled`,
  );
  return {
    doctors: { active: row!.active, invited: row!.invited },
    mailTaken: row!.mail_taken,
    clients: clients.map(({ grant_types, allowed_scope }) => ({
      grantTypes: grant_types,
      ...(allowed_scope !== null && { allowedScope: allowed_scope }),
    })),
  };
}

function toSite(row: SiteRow): Site {
  const { line = [], city = '', postalCode = '', country = '' } = row.address;
  return {
    address: { line, city, postalCode, country },
    languages: row.languages,
    logo: row.has_logo,
    skipped: row.skipped,
    ...(row.name !== null && { name: row.name }),
    ...(row.phone !== null && { phone: row.phone }),
    ...(row.time_zone !== null && { timeZone: row.time_zone }),
    ...(row.organization_id !== null && { organizationId: row.organization_id }),
  };
}
