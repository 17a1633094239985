import { Provider } from 'oidc-provider';
import { coveredBy, splitScopes } from '../../core/accounts/scopes.ts';

/**
 * Lets a refresh ask for less than was granted in other words: `patient/Patient.rs` of `patient/*.rs`, `.r` of `.rs`, the
 * words of version 1 for those of version 2 (RFC 6749 6: "MUST NOT include any scope not originally granted").
 * oidc-provider compares words; here the comparison is that of the SMART grammar. More than was granted stays
 * `invalid_scope`, because it is covered by nothing.
 */
export function compareScopesByMeaning(provider: Provider): void {
  const { RefreshToken, Grant } = provider;
  const own = scopesOf(RefreshToken.prototype);
  Object.defineProperty(RefreshToken.prototype, 'scopes', {
    get(this: object): Set<string> {
      const granted = own.call(this);
      return new Set([...granted, ...asked().filter((text) => coveredBy([...granted], text))]);
    },
  });
  const filtered = Reflect.get(Grant.prototype, 'getResourceScopeFiltered') as Filter;
  Grant.prototype.getResourceScopeFiltered = function (resource, filter) {
    const wanted = new Set(filter);
    const words = splitScopes(filtered.call(this, resource, wanted));
    const granted = splitScopes(this.getResourceScope(resource));
    const narrower = asked().filter((text) => wanted.has(text) && coveredBy(granted, text));
    return [...new Set([...words, ...narrower])].join(' ');
  };
}

type Filter = (this: object, resource: string, filter: Set<string>) => string;

/** What this refresh asks for; nothing in other requests, where people are asked word by word. */
function asked(): string[] {
  const params = Provider.ctx?.oidc?.params;
  return params?.grant_type === 'refresh_token' && typeof params.scope === 'string' ? splitScopes(params.scope) : [];
}

/** The getter of a token's scopes, wherever in its line it is. */
function scopesOf(prototype: object): (this: object) => Set<string> {
  for (let at: object | null = prototype; at; at = Object.getPrototypeOf(at) as object | null) {
    const get = Object.getOwnPropertyDescriptor(at, 'scopes')?.get;
    if (get) return get as (this: object) => Set<string>;
  }
  throw new Error('oidc-provider has no scopes on its tokens any more.');
}
