import { timingSafeEqual } from 'node:crypto';
import type { Client, Provider } from 'oidc-provider';
import { hashSecret } from '../../core/accounts/clients/client-secret.ts';

/** Client secrets are stored as hashes; for a day after it was replaced, the one before is good as well. */
export function compareSecretsByHash(provider: Provider): void {
  provider.Client.prototype.compareClientSecret = async function (this: Client, actual: string) {
    const given = Buffer.from(hashSecret(actual));
    const isSame = (hash: unknown) => {
      const stored = Buffer.from(typeof hash === 'string' ? hash : '');
      return stored.length === given.length && timingSafeEqual(stored, given);
    };
    const [now, before] = [isSame(this.clientSecret), isSame(this['csss_previous_secret'])];
    return now || before;
  };
}
