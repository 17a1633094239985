import type { Client, Provider } from 'oidc-provider';
import { isSecretOf } from '../../core/accounts/clients/client-secret.ts';

/** Client secrets are stored as hashes, and oidc-provider would compare them as they are. */
export function compareSecretsByHash(provider: Provider): void {
  provider.Client.prototype.compareClientSecret = async function (this: Client, actual: string) {
    return isSecretOf([this.clientSecret, this['csss_previous_secret']], actual);
  };
}
