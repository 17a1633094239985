/** What I have typed into a form and not yet sent (`/portal/me/drafts`): kept by the server, sealed, for a week. */
import { jsonOf, type AuthorizedFetch } from './http.ts';

export interface DraftsClient {
  /** @returns undefined when there is none. */
  read(key: string): Promise<{ value: unknown; savedAt: string } | undefined>;
  /** @param leaving the page may go before the answer comes. */
  save(key: string, value: unknown, leaving?: boolean): Promise<void>;
  drop(key: string): Promise<void>;
}

export function draftsClient(send: AuthorizedFetch, base: string): DraftsClient {
  const at = (key: string) => `${base}/${encodeURIComponent(key)}`;
  return {
    async read(key) {
      const answer = await send(at(key), { headers: { Accept: 'application/json' } });
      return answer.status === 204 ? undefined : jsonOf(answer);
    },
    async save(key, value, leaving = false) {
      const body = JSON.stringify({ value });
      await send(at(key), { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body, keepalive: leaving });
    },
    async drop(key) {
      await send(at(key), { method: 'DELETE' });
    },
  };
}
