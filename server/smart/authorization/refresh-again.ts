import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { SecretBox } from '../../core/secret-box.ts';

/**
 * Seconds in which a refresh token may come a second time: two tabs of an app, or a retry after an answer that got lost.
 * Later it is a stolen one, and its whole family ends (RFC 9700 4.14.2).
 */
const grace = 10;
/** How long the second of two at the same moment waits for the answer of the first. Milliseconds. */
const patience = 3_000;
const step = 50;

/** Asked for with the token: an answer to another question is not given. */
export interface Refresh {
  token: string;
  scope: string;
  clientId: string;
}

type Answer = Record<string, unknown>;

/** Gives the second use of a refresh token the answer of the first, in whichever process it was. */
export interface RefreshAgain {
  /** Whether the token was used a moment ago, so that using it again is no attack. */
  isRecent(token: string): Promise<boolean>;
  keep(refresh: Refresh, of: { grantId: string; accountId: string }, answer: Answer): Promise<void>;
  /** The answer that the same client got for the same question; undefined if there is none. */
  answerAgain(refresh: Refresh): Promise<Answer | undefined>;
}

/** Answers lie in the database sealed, because they are tokens, and go with the authorisation that they belong to. */
export function refreshAgain(store: AuthorizationStore, secrets: SecretBox): RefreshAgain {
  const model = 'RefreshAnswer';
  const idOf = ({ token }: Refresh) => hash('sha256', token, 'base64url');
  const isRecent = async (token: string) => ((await store.usedSince('RefreshToken', token)) ?? Infinity) < grace;
  return {
    isRecent,
    async keep(refresh, { grantId, accountId }, answer) {
      const id = idOf(refresh);
      const sealed = secrets.seal(JSON.stringify(answer), `${model} ${id}`);
      const { scope, clientId } = refresh;
      await store.put(model, id, { sealed, scope, clientId, grantId, accountId }, { expiresIn: grace });
    },
    async answerAgain(refresh) {
      const id = idOf(refresh);
      for (let waited = 0; waited <= patience && (await isRecent(refresh.token)); waited += step) {
        const kept = await store.find(model, { id });
        if (kept && (kept.scope !== refresh.scope || kept.clientId !== refresh.clientId)) return undefined;
        if (kept) return JSON.parse(secrets.open(String(kept.sealed), `${model} ${id}`)) as Answer;
        await sleep(step);
      }
      return undefined;
    },
  };
}
