import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { TOTP } from 'otpauth';
import { newTotpSecret, sealTotp } from '../../server/core/accounts/factors/totp.ts';
import type { World } from '../../server/core/world.ts';

/** The token endpoint's answer. */
export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
  id_token?: string;
  refresh_token?: string;
  patient?: string;
  encounter?: string;
  [other: string]: unknown;
}

export interface SignInOptions {
  email: string;
  password: string;
  /** Default: the viewer. */
  clientId?: string;
  /** Default: what the viewer asks for. */
  scope?: string;
  redirectUri?: string;
  /** Chosen in the patient picker, if it comes up; default: the first patient shown. */
  patient?: string;
  /** Left unticked on the consent page. */
  refuse?: string[];
  remember?: boolean;
  /** Base32 secret of the person's authenticator app, for when a second factor is asked for; a code is waited for if this one was used. */
  totp?: string;
  /** Any other second factor: what is typed in. */
  code?: string;
  /** Do not ask for the second factor on this device again. */
  trust?: boolean;
  /** More parameters of the authorization request; undefined takes one away. */
  parameters?: Record<string, string | undefined>;
  browser?: Browser;
}

export const viewerScope = 'openid fhirUser online_access patient/*.cruds user/*.cruds';

/** A browser's part of a sign-in without a browser: keeps cookies, follows redirects, fills forms. */
export class Browser {
  readonly origin: string;
  readonly #cookies = new Map<string, { value: string; path: string }>();

  constructor(serverUrl: string) {
    this.origin = new URL(serverUrl).origin;
  }

  /** One request with the cookies that belong to its path; redirects are not followed. */
  async request(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address, this.origin);
    const headers = new Headers(init.headers);
    const cookies = [...this.#cookies].filter(([, cookie]) => belongs(url.pathname, cookie.path));
    if (cookies.length > 0)
      headers.set('Cookie', cookies.map(([name, { value }]) => `${name.split(' ')[0]}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  /** Follows redirects on this server; stops at a page, an error or an address elsewhere. */
  async open(address: string, init: RequestInit = {}): Promise<{ url: string; response: Response }> {
    let url = new URL(address, this.origin).href;
    let response = await this.request(url, init);
    for (let hop = 0; hop < 20 && response.status >= 300 && response.status < 400; hop++) {
      url = new URL(response.headers.get('location')!, url).href;
      if (new URL(url).origin !== this.origin || isCallback(url)) break;
      response = await this.request(url);
    }
    return { url, response };
  }

  /** Posts a form of the page as a browser would. */
  post(action: string, fields: URLSearchParams): Promise<{ url: string; response: Response }> {
    return this.open(action, {
      method: 'POST',
      headers: { Origin: this.origin, 'Sec-Fetch-Site': 'same-origin' },
      body: fields,
    });
  }

  /** Takes a Set-Cookie line. */
  keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/;\s*/);
    const name = pair.slice(0, pair.indexOf('='));
    const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
    const expires = attributes.find((part) => /^expires=/i.test(part))?.slice(8);
    const key = `${name} ${path}`;
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.#cookies.delete(key);
    else this.#cookies.set(key, { value: pair.slice(pair.indexOf('=') + 1), path });
  }
}

function belongs(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function isCallback(url: string): boolean {
  const { searchParams } = new URL(url);
  return searchParams.has('code') || searchParams.has('error');
}

/** A PKCE pair (RFC 7636). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The address that an app sends the browser to. */
export function authorizeUrl(
  serverUrl: string,
  challenge: string,
  options: Omit<SignInOptions, 'email' | 'password'>,
): string {
  const url = new URL(`${serverUrl}/oidc/auth`);
  const parameters = {
    response_type: 'code',
    client_id: options.clientId ?? 'csss-viewer',
    redirect_uri: options.redirectUri ?? `${serverUrl}/signed-in`,
    scope: options.scope ?? viewerScope,
    state: randomUUID(),
    aud: `${serverUrl}/fhir`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...options.parameters,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Goes through the pages until the browser is sent back to the app; returns that address with its parameters. */
export async function throughPages(browser: Browser, start: string, options: SignInOptions): Promise<URL> {
  let { url, response } = await browser.open(start);
  for (let page = 0; page < 10; page++) {
    if (response.status >= 300 && response.status < 400) return new URL(url);
    const html = await response.text();
    if (response.status !== 200) throw new PageError(response.status, html, response.headers);
    ({ url, response } = await answer(browser, html, options));
  }
  throw new Error('the sign-in does not end');
}

/** A page that says no, for tests that expect it. */
export class PageError extends Error {
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
  constructor(status: number, html: string, headers: Headers) {
    super(
      `page with status ${status}: ${html
        .replace(/<[^>]+>/g, ' ')
        .replace(/\s+/g, ' ')
        .slice(0, 300)}`,
    );
    this.status = status;
    this.html = html;
    this.headers = headers;
  }
}

async function answer(
  browser: Browser,
  html: string,
  options: SignInOptions,
): Promise<{ url: string; response: Response }> {
  const action = (step: string) => new RegExp(`action="([^"]*/interaction/[^"]+/${step})"`).exec(html)?.[1];
  const fields = new URLSearchParams({ proof: /name="proof" value="([^"]+)"/.exec(html)?.[1] ?? '' });
  const signIn = action('sign-in');
  if (signIn) {
    fields.set('email', options.email);
    fields.set('password', options.password);
    if (options.remember) fields.set('remember', 'yes');
    return browser.post(signIn, fields);
  }
  const prove = action('prove');
  if (prove) {
    fields.set('code', options.code ?? (await freshCode(options.totp)));
    if (options.trust) fields.set('trust', 'yes');
    return browser.post(prove, fields);
  }
  const choose = action('patient');
  if (choose) {
    const shown = [...html.matchAll(/name="patient" value="([^"]+)"/g)].map((found) => found[1]!);
    fields.set('patient', options.patient ?? shown[0] ?? '');
    return browser.post(choose, fields);
  }
  const consent = action('consent');
  if (consent) {
    const scopes = [...html.matchAll(/name="scope" value="([^"]+)"/g)].map((found) => decode(found[1]!));
    for (const scope of scopes) if (!options.refuse?.includes(scope)) fields.append('scope', scope);
    return browser.post(consent, fields);
  }
  // A page that posts itself on: signing somebody else out first.
  const onward = /<form method="post" action="([^"]+)">/.exec(html)?.[1];
  if (onward && html.includes('.submit()')) {
    const hidden = [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map((found) => [found[1]!, decode(found[2]!)]);
    return browser.post(decode(onward), new URLSearchParams(hidden));
  }
  throw new Error(`a page without a form that is known here: ${html.slice(0, 500)}`);
}

/** Steps whose codes were typed in: each works once, also from one test to the next. */
const used = new Map<string, number>();

/** A code of an authenticator app that was not used yet: of the present step, or of the next, which a server takes too. */
export async function freshCode(secret: string | undefined): Promise<string> {
  if (secret === undefined) throw new Error('a second factor is asked for, and the test has none');
  const totp = new TOTP({ secret });
  for (;;) {
    const now = totp.counter();
    const step = Math.max(now, (used.get(secret) ?? 0) + 1);
    if (step <= now + 1) {
      used.set(secret, step);
      return totp.generate({ timestamp: step * 30_000 });
    }
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** Gives a person an authenticator app by the database, for tests that are about something else; returns its secret. */
export async function giveTotp(world: Pick<World, 'transaction' | 'secrets'>, email: string): Promise<string> {
  const [id, secret] = [randomUUID(), newTotpSecret()];
  await world.transaction(async ({ accounts, factors }) => {
    const account = await accounts.byEmail(email);
    const factor = { kind: 'totp', id, accountId: account!.id, name: 'Authenticator app' } as const;
    await factors.insert({ ...factor, secret: sealTotp(world.secrets, id, secret) }, { confirmed: true });
  });
  return secret;
}

/** The parameters of a request for a fresh second factor (RFC 9470). */
export const stepUp = { acr_values: 'urn:csss:acr:two-factors', max_age: '300' };

function decode(text: string): string {
  return text.replace(/&#(\d+);/g, (_whole, code: string) => String.fromCharCode(Number(code)));
}

/** A form post to the token endpoint. */
export function postToken(
  serverUrl: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${serverUrl}/oidc/token`, { method: 'POST', headers, body: new URLSearchParams(fields) });
}

/**
 * Signs a person in by the real authorization code flow with PKCE over HTTP: pages, cookies and all.
 *
 * @param serverUrl the public URL of a running server.
 */
export async function signIn(serverUrl: string, options: SignInOptions): Promise<Tokens> {
  const { verifier, challenge } = pkce();
  const browser = options.browser ?? new Browser(serverUrl);
  const callback = await throughPages(browser, authorizeUrl(serverUrl, challenge, options), options);
  const code = callback.searchParams.get('code');
  if (!code) throw new Error(`no code, but ${callback.search}`);
  const response = await postToken(serverUrl, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: options.redirectUri ?? `${serverUrl}/signed-in`,
    client_id: options.clientId ?? 'csss-viewer',
    code_verifier: verifier,
  });
  if (response.status !== 200) throw new Error(`token endpoint: ${response.status} ${await response.text()}`);
  return (await response.json()) as Tokens;
}

/** A backend service's private key (ES384 or RS384), with the `kid` that it is registered under. */
export interface BackendKey {
  clientId: string;
  key: JWK;
}

/** A client assertion (RFC 7523, SMART 2.2 "Asymmetric authentication"). */
export async function clientAssertion(
  serverUrl: string,
  { clientId, key }: BackendKey,
  claims: Record<string, unknown> = {},
): Promise<string> {
  const alg = key.kty === 'RSA' ? 'RS384' : 'ES384';
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: `${serverUrl}/oidc/token`,
    jti: randomUUID(),
    iat: now,
    exp: now + 120,
    ...claims,
  })
    .setProtectedHeader({ alg, typ: 'JWT', kid: key.kid! })
    .sign(await importJWK(key, alg));
}

/** An access token of a backend service (SMART Backend Services). */
export async function backendToken(serverUrl: string, client: BackendKey, scope: string): Promise<Tokens> {
  const response = await postToken(serverUrl, {
    grant_type: 'client_credentials',
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await clientAssertion(serverUrl, client),
  });
  if (response.status !== 200) throw new Error(`token endpoint: ${response.status} ${await response.text()}`);
  return (await response.json()) as Tokens;
}
