/**
 * OpenID Connect code flow with PKCE against this server (client `csss-viewer`). Tokens live in
 * sessionStorage: they end with the tab. Tabs of the same person share renewals (`tabs.ts`).
 */
import { ErrorResponse, OidcClient, User, UserManager, WebStorageStateStore } from 'oidc-client-ts';
import type { FreshSignIn } from '../api/fresh-sign-in.ts';
import type { TokenSource } from '../api/http.ts';
import { confirmationMark } from './confirmation-window.ts';
import { sharedRenewals } from './shared-renewals.ts';
import type { Tabs } from './tabs.ts';

export interface SignIn extends TokenSource {
  /** The person's tokens if they are signed in, renewed if the access token has ended meanwhile. */
  resume(): Promise<User | undefined>;
  /** Leaves for the sign-in page; `returnTo` is the path to show afterwards. `anew`: whoever is signed in is asked all the same. */
  begin(returnTo: string, options?: { anew?: boolean }): Promise<void>;
  /** On /signed-in: trades the code for tokens. */
  complete(): Promise<{ user: User; returnTo: string }>;
  /** Revokes the tokens, ends the session at the server, and comes back to the landing page. */
  end(): Promise<void>;
  /** Forgets the tokens on this side only. */
  forget(): Promise<void>;
  onChange(listener: (user: User | undefined) => void): void;
  /** Somebody has signed in in this tab. */
  onEntered(listener: () => void): void;
  /** The server takes the tokens no more, and gives no others. */
  onOver(listener: () => void): void;
  /** Another tab signed out, or somebody else has signed in there. */
  onGone(listener: () => void): void;
  /** A second sign-in of the same person, for an act that asks for a fresh one; it takes place in a window of its own. */
  confirmation(wanted: FreshSignIn): Promise<Confirmation>;
  /** Whose tokens this tab holds at this moment. */
  holder(): Promise<string | undefined>;
  /** Takes the tokens of somebody else in the place of this person's. */
  replaceBy(user: User): Promise<void>;
}

export interface Confirmation {
  /** Where the window goes. */
  url: string;
  /** Names this request in the window's answer. */
  state: string;
  /**
   * Takes the address at which the window came back; its tokens replace those of the session.
   * @returns the new access token.
   * @throws AnotherPerson, and what the authorization server refused.
   */
  finish(answer: string): Promise<string>;
}

/** Somebody else signed in where the person of this session was asked for. */
export class AnotherPerson extends Error {
  readonly user: User;
  constructor(user: User) {
    super('another person');
    this.user = user;
  }
}

/** What the viewer asks for: staff read and advance Tasks, admins change models, patients read; the server grants what the role allows. */
export const scope =
  'openid profile fhirUser offline_access user/*.rs user/Task.u user/ImagingStudy.u user/Device.u patient/*.rs';

/** Renew this long before the access token ends, so that no request starts with a token that ends under way. */
const renewBefore = 30;

export function signIn(origin: string, scope: string, tabs: Tabs): SignIn {
  const storage = new WebStorageStateStore({ store: globalThis.sessionStorage, prefix: 'csss.' });
  const manager = new UserManager({
    authority: `${origin}/oidc`,
    client_id: 'csss-viewer',
    redirect_uri: `${origin}/signed-in`,
    post_logout_redirect_uri: `${origin}/`,
    response_type: 'code',
    scope,
    resource: `${origin}/fhir`,
    extraQueryParams: { aud: `${origin}/fhir` },
    userStore: storage,
    stateStore: storage,
    automaticSilentRenew: false, // `renew` below does it, so that there is only one at a time
    accessTokenExpiringNotificationTimeInSeconds: 60,
    revokeTokenTypes: ['refresh_token'], // with it ends the whole grant
    revokeTokenAdditionalContentTypes: ['text/plain'],
    loadUserInfo: false,
  });
  const shared = sharedRenewals(manager, tabs);

  let renewal: Promise<User | undefined> | undefined;
  /** The server has refused to renew: nothing is asked with these tokens any more. */
  let over = false;
  let tellOver: (() => void) | undefined;
  let tellEntered: (() => void) | undefined;

  /** Refresh tokens rotate: two renewals at once would look like a stolen token, so all callers, and all tabs, share one. */
  function renew(): Promise<User | undefined> {
    renewal ??= shared
      .renew()
      .catch((thrown: unknown) => {
        // No network is no refusal: the next request tries again.
        if (thrown instanceof ErrorResponse) {
          over = true;
          tellOver?.();
        }
        return undefined;
      })
      .finally(() => (renewal = undefined));
    return renewal;
  }
  manager.events.addAccessTokenExpiring(() => void renew());
  manager.events.addUserLoaded(() => {
    over = false;
  });

  async function resume(): Promise<User | undefined> {
    const user = over ? null : await manager.getUser();
    if (!user) return undefined;
    if ((user.expires_in ?? 0) > renewBefore) return user;
    const renewed = user.refresh_token === undefined ? undefined : await renew();
    return renewed ?? (user.expired || over ? undefined : user);
  }

  /** Several requests may be refused with the same token: only the first of them renews it. */
  async function renewed(refused: string): Promise<string | undefined> {
    const user = over ? null : await manager.getUser();
    if (user && user.access_token !== refused) return user.access_token;
    return user?.refresh_token === undefined ? undefined : (await renew())?.access_token;
  }

  async function take(user: User): Promise<void> {
    over = false;
    await manager.storeUser(user);
    await manager.events.load(user);
    shared.announce(user);
    tellEntered?.();
  }

  async function finish(client: OidcClient, answer: string): Promise<string> {
    const response = await client.processSigninResponse(answer);
    // A renewal that was under way would put the older tokens in the place of these.
    await renewal;
    const before = await manager.getUser();
    const user = new User({ ...response, userState: undefined });
    if (before && before.profile.sub !== user.profile.sub) throw new AnotherPerson(user);
    await take(user);
    return user.access_token;
  }

  return {
    resume,
    async confirmation({ acrValues, maxAge, anew }) {
      const client = new OidcClient(manager.settings, manager.metadataService);
      const { url, state } = await client.createSigninRequest({
        ui_locales: document.documentElement.lang,
        ...(acrValues !== undefined && { acr_values: acrValues }),
        ...(maxAge !== undefined && { max_age: maxAge }),
        ...(anew && { prompt: 'login' }),
        url_state: confirmationMark,
      });
      return { url, state: state.id, finish: (answer) => finish(client, answer) };
    },
    current: async () => (await resume())?.access_token,
    renewed,
    begin: (returnTo, { anew = false } = {}) =>
      manager.signinRedirect({
        ui_locales: document.documentElement.lang,
        state: { returnTo },
        ...(anew && { prompt: 'login' }),
      }),
    async complete() {
      const user = await manager.signinRedirectCallback();
      shared.begin(user);
      tellEntered?.();
      return { user, returnTo: safePath((user.state as { returnTo?: unknown } | undefined)?.returnTo) };
    },
    async end() {
      await shared.end();
      // The session's end ends the tokens too; revoking them first helps when the person stops half-way.
      await manager.revokeTokens().catch(() => undefined);
      // Without the user there is no id_token, whose claims name a person, in the address of the next page.
      await manager.removeUser();
      await manager.signoutRedirect();
    },
    forget: () => manager.removeUser(),
    onChange(listener) {
      manager.events.addUserLoaded((user) => listener(user));
      manager.events.addUserUnloaded(() => listener(undefined));
    },
    onOver: (listener) => void (tellOver = listener),
    onGone: shared.onGone,
    onEntered: (listener) => void (tellEntered = listener),
    holder: async () => (await manager.getUser())?.profile.sub,
    async replaceBy(user) {
      await manager.revokeTokens().catch(() => undefined);
      await manager.storeUser(user);
      shared.begin(user);
    },
  };
}

/** Only a path of this application: the value went through the browser's storage. */
export function safePath(path: unknown): string {
  return typeof path === 'string' && /^\/(?![/\\])/.test(path) ? path : '/work';
}
