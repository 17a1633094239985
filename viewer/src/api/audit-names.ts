/** Whom and what the audit trail can be asked for: people with an account, and apps. */
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

export interface Named {
  key: string;
  label: string;
}

export interface NamesClient {
  people(text: string, signal?: AbortSignal): Promise<Named[]>;
  apps(text: string, signal?: AbortSignal): Promise<Named[]>;
}

export function namesClient(send: AuthorizedFetch, base: string): NamesClient {
  const calls = jsonCalls(send, base);
  return {
    async people(text, signal) {
      const { users } = await calls.get<{ users: { id: string; name: string; email: string }[] }>(
        '/users',
        { text, limit: 20 },
        signal,
      );
      return users.map(({ id, name, email }) => ({ key: id, label: `${name} · ${email}` }));
    },
    async apps(text, signal) {
      const { clients } = await calls.get<{ clients: { id: string; name: string }[] }>('/clients', {}, signal);
      const wanted = text.toLocaleLowerCase();
      return clients
        .filter(({ id, name }) => `${name} ${id}`.toLocaleLowerCase().includes(wanted))
        .map(({ id, name }) => ({ key: id, label: name }));
    },
  };
}
