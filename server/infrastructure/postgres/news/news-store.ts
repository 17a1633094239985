import type { NewsStore } from '../../../core/news/news-store.ts';
import type { Sql } from '../connection.ts';

export function postgresNews(sql: Sql): NewsStore {
  return {
    async post(topic, { account, role } = {}) {
      const roles = role === undefined ? undefined : typeof role === 'string' ? [role] : role;
      await sql.query(`select post_news($1, $2, $3)`, [topic, account ?? null, roles ?? null]);
    },
  };
}
