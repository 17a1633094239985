import type { KeyedShare, Share, ShareEnd, ShareStore } from '../../core/patient/share-store.ts';
import type { Sql } from './connection.ts';

interface ShareRow {
  id: string;
  account_id: string;
  review_id: string;
  recipient: string | null;
  restricted: boolean;
  created_at: Date;
  ends_at: Date;
  is_open: boolean;
  wrong_codes: number;
  ended_at: Date | null;
  ended_why: ShareEnd | null;
  code_digest: string;
  openings: Date[] | null;
}

/** Openings that are told of one link. */
const openingsShown = 20;
const isOpen = `ended_at is null and ends_at > clock_timestamp()`;
const columns = `
  share.id, account_id, review_id, recipient, restricted, created_at, ends_at, ${isOpen} as is_open, wrong_codes, ended_at, ended_why,
  code_digest, (select array_agg(o.at order by o.at desc) from
    (select at from share_opening where share_id = share.id order by at desc limit ${openingsShown}) o) as openings`;

/** Shared links in PostgreSQL; times are the database's. */
export function postgresShares(sql: Sql): ShareStore {
  const one = async (wordDigest: string, lock: '' | 'for update') => {
    const [row] = await sql.query<ShareRow>(`select ${columns} from share where word_digest = $1 ${lock}`, [
      wordDigest,
    ]);
    return row && { ...toShare(row), codeDigest: row.code_digest };
  };
  return {
    async insert({ id, wordDigest, codeDigest, accountId, reviewId, recipient, restricted, days }) {
      const [row] = await sql.query<{ ends_at: Date }>(
        `insert into share (id, word_digest, code_digest, account_id, review_id, recipient, restricted, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8)) returning ends_at`,
        [id, wordDigest, codeDigest, accountId, reviewId, recipient ?? null, restricted, days],
      );
      return row!.ends_at;
    },
    async ofAccount(accountId) {
      const rows = await sql.query<ShareRow>(
        `select ${columns} from share where account_id = $1 order by created_at desc, share.id limit 100`,
        [accountId],
      );
      return rows.map(toShare);
    },
    async countOpen(accountId) {
      await sql.query(`select from account where id = $1 for update`, [accountId]);
      const [row] = await sql.query<{ count: number }>(
        `select count(*)::int as count from share where account_id = $1 and ${isOpen}`,
        [accountId],
      );
      return row!.count;
    },
    byWord: (wordDigest) => one(wordDigest, ''),
    async lockByWord(wordDigest): Promise<KeyedShare | undefined> {
      // Two statements: the second sees what was committed while the first one waited.
      await sql.query(`select from share where word_digest = $1 for update`, [wordDigest]);
      return one(wordDigest, '');
    },
    async noteWrongCode(id) {
      const [row] = await sql.query<{ wrong_codes: number }>(
        `update share set wrong_codes = wrong_codes + 1 where id = $1 returning wrong_codes`,
        [id],
      );
      return row!.wrong_codes;
    },
    async noteOpening(id) {
      await sql.query(`insert into share_opening (share_id) values ($1)`, [id]);
    },
    async end(accountId, id, why) {
      const rows = await sql.query<{ id: string }>(
        `update share set ended_at = clock_timestamp(), ended_why = $3
                        where account_id = $1 and id = $2 and ${isOpen} returning id`,
        [accountId, id, why],
      );
      return rows.length === 1;
    },
    async endAll(accountId, why) {
      const rows = await sql.query<{ id: string }>(
        `update share set ended_at = clock_timestamp(), ended_why = $2
                        where account_id = $1 and ${isOpen} returning id`,
        [accountId, why],
      );
      return rows.length;
    },
    async forget(accountId, days) {
      await sql.query(
        `delete from share where account_id = $1 and coalesce(ended_at, ends_at) < now() - make_interval(days => $2)`,
        [accountId, days],
      );
    },
  };
}

function toShare(row: ShareRow): Share {
  return {
    id: row.id,
    accountId: row.account_id,
    reviewId: row.review_id,
    ...(row.recipient !== null && { recipient: row.recipient }),
    restricted: row.restricted,
    createdAt: row.created_at,
    endsAt: row.ends_at,
    isOpen: row.is_open,
    wrongCodes: row.wrong_codes,
    ...(row.ended_at !== null && row.ended_why !== null && { ended: { at: row.ended_at, why: row.ended_why } }),
    openings: row.openings ?? [],
  };
}
