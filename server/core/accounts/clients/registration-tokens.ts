import { newId } from '../../identifier.ts';
import { Problem } from '../../problem.ts';
import type { Stores } from '../../world.ts';
import { hashSecret, newSecret } from './client-secret.ts';
import type { RegistrationToken } from './client-store.ts';
import { isKnownScope, splitScopes } from '../scopes.ts';

type Tokens = Pick<Stores, 'registrationTokens'>;

/**
 * Issues a word with which systems register themselves.
 *
 * @returns the word, which is stored nowhere.
 * @throws Problem `value` naming a scope that is not known.
 */
export async function issueRegistrationToken(
  { registrationTokens }: Tokens,
  wanted: { name: string; scope: string; days: number; uses: number; issuedBy?: string | undefined },
): Promise<{ word: string; token: RegistrationToken }> {
  const words = splitScopes(wanted.scope);
  const unknown = words.find((word) => !isKnownScope(word));
  if (unknown !== undefined || words.length === 0)
    throw new Problem('value', unknown === undefined ? 'scope: name at least one.' : `scope: ${unknown.slice(0, 100)} is not known here.`, { expression: 'scope' }); // prettier-ignore
  const { name, days, uses, issuedBy } = wanted;
  const word = newSecret();
  const token = {
    id: newId(),
    name: name.trim(),
    scope: words.join(' '),
    uses,
    ...(issuedBy !== undefined && { issuedBy }),
  };
  await registrationTokens.insert(token, hashSecret(word), days);
  return { word, token: (await registrationTokens.find(hashSecret(word)))! };
}
