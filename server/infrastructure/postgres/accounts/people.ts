import type {
  AccountAct,
  PeopleStore,
  PeopleWanted,
  Person,
  PersonChange,
} from '../../../core/accounts/people/people-store.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';
import { codeOf, sqlState } from '../database-problem.ts';
import { type AccountRow, toAccount } from './accounts.ts';

interface PersonRow extends AccountRow {
  tied: boolean;
  notify_report: boolean;
  created_at: Date;
  password_changed_at: Date | null;
  invitation_ends_at: Date | null;
  total: string;
}

const person = `account.*, (
  select max(expires_at) from one_time_link link
   where link.account_id = account.id and link.purpose in ('invitation', 'first-admin') and link.expires_at > now()
) as invitation_ends_at`;

const states = {
  disabled: 'disabled',
  invited: 'not disabled and password_hash is null',
  active: 'not disabled and password_hash is not null',
} as const;

/** Accounts in PostgreSQL, as they are managed. */
export function postgresPeople(sql: Sql): PeopleStore {
  const one = async (id: string, rest = ''): Promise<Person | undefined> => {
    if (id.includes('\0')) return undefined;
    const [row] = await sql.query<PersonRow>(`select ${person} from account where id = $1 ${rest}`, [id]);
    return row && toPerson(row);
  };
  return {
    byId: (id) => one(id),
    lock: (id) => one(id, 'for update of account'),
    find: (wanted) => find(sql, wanted),
    async lockActiveAdmins() {
      const rows = await sql.query<{ id: string }>(
        `select id from account where role = 'admin' and ${states.active} order by id for update`,
      );
      return rows.map(({ id }) => id);
    },
    change: (id, change) => changePerson(sql, id, change),
    async noteAct(id, { act, by, reason }) {
      await sql.query(`insert into account_change (account_id, act, by_account, reason) values ($1, $2, $3, $4)`, [
        id,
        act,
        by ?? null,
        reason ?? null,
      ]);
    },
    async lastAct(id, acts) {
      const [row] = await sql.query<{ act: AccountAct['act']; by: string | null; name: string | null; at: Date }>(
        `select act, by_account as by, display_name as name, at
           from account_change left join account on account.id = by_account
          where account_id = $1 and act = any ($2) order by seq desc limit 1`,
        [id, acts],
      );
      return (
        row && {
          act: row.act,
          at: row.at,
          ...(row.by !== null && { by: row.by }),
          ...(row.name !== null && { byName: row.name }),
        }
      );
    },
    async wantsReportMail(patientId) {
      const [row] = await sql.query<{ wanted: boolean | null }>(
        `select bool_or(notify_report) as wanted from account where fhir_user = $1 and not disabled`,
        [`Patient/${patientId}`],
      );
      return row?.wanted ?? true;
    },
  };
}

async function find(sql: Sql, wanted: PeopleWanted): Promise<{ people: Person[]; total: number }> {
  const values: unknown[] = [];
  const conditions = ['true'];
  const bind = (value: unknown) => `$${values.push(value)}`;
  if (wanted.text !== undefined && wanted.text !== '') {
    const pattern = bind(`%${wanted.text.replaceAll('\0', '').replace(/[\\%_]/g, '\\$&')}%`);
    conditions.push(`(email ilike ${pattern} or display_name ilike ${pattern})`);
  }
  if (wanted.role !== undefined) conditions.push(`role = ${bind(wanted.role)}`);
  if (wanted.state !== undefined) conditions.push(`(${states[wanted.state]})`);
  if (wanted.untied) conditions.push(`not tied and role = 'patient' and not disabled`);
  const where = conditions.join(' and ');
  const counted = [...values];
  const page = `limit ${bind(wanted.limit)} offset ${bind(wanted.offset)}`;
  const order = wanted.untied ? 'created_at, id' : 'lower(display_name), id';
  const rows = await sql.query<PersonRow>(
    `select ${person} from account where ${where} order by ${order} ${page}`,
    values,
  );
  const [count] = await sql.query<{ total: string }>(`select count(*) as total from account where ${where}`, counted);
  return { people: rows.map(toPerson), total: Number(count!.total) };
}

/** Columns that a change may name; the text of the statement comes from here only. */
const columns: Record<keyof PersonChange, string> = {
  email: 'email',
  displayName: 'display_name',
  language: 'language',
  verifiedAt: 'verified_at',
  tied: 'tied',
  notifyReport: 'notify_report',
};

async function changePerson(sql: Sql, id: string, change: PersonChange): Promise<void> {
  const names = (Object.keys(columns) as (keyof PersonChange)[]).filter((name) => change[name] !== undefined);
  if (names.length === 0) return;
  const set = names.map((name, at) => `${columns[name]} = $${at + 2}`).join(', ');
  try {
    await sql.query(`update account set ${set} where id = $1`, [id, ...names.map((name) => change[name])]);
  } catch (error) {
    if (codeOf(error) === sqlState.uniqueViolation)
      throw new Problem('duplicate', 'This address has an account already.', { expression: 'email' });
    throw error;
  }
}

function toPerson(row: PersonRow): Person {
  return {
    ...toAccount(row),
    tied: row.tied,
    notifyReport: row.notify_report,
    createdAt: row.created_at,
    ...(row.password_changed_at !== null && { passwordChangedAt: row.password_changed_at }),
    ...(row.invitation_ends_at !== null && { invitationEndsAt: row.invitation_ends_at }),
  };
}
