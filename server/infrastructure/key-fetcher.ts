import { lookup as systemLookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { KeyFetcher } from '../core/accounts/clients/key-sets.ts';
import { Problem } from '../core/problem.ts';

export interface FetchRules {
  /** Host names, with a port where it matters (`ehr.internal`, `localhost:9443`), that may be in the private network. */
  hosts: readonly string[];
  /** http to this computer, for demo mode and development. */
  loopback: boolean;
  /** The resolver: that of the system, which knows the hosts file of the hospital. */
  resolve?: (host: string) => Promise<string[]>;
}

const patienceMs = 5_000;
const mostBytes = 64 * 1024;
const longestAddress = 2000;

/** What a host that is named in the settings may be, beside a public one. Never link-local: the cloud's metadata live there. */
const internal = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'loopback']);
/** Public by its range, and yet the platform's own: Azure's wire server. */
const platform = new Set(['168.63.129.16']);

/**
 * Fetches key sets from addresses that others chose (SMART 2.2 "jwks_uri"), so that nobody can make the server ask its own
 * network: https, no redirects, an address that was checked and is then connected to (a name that resolves to another one
 * the next moment changes nothing), little time, little size.
 *
 * Refusals say what is wrong for the administrator, and nothing of what was read.
 */
export function keyFetcher(rules: FetchRules): KeyFetcher {
  const resolve =
    rules.resolve ?? ((host) => systemLookup(host, { all: true }).then((all) => all.map(({ address }) => address)));
  return {
    check: (url) => void checkedUrl(url, rules),
    async read(url) {
      const target = checkedUrl(url, rules);
      const signal = AbortSignal.timeout(patienceMs);
      const addresses = await within(signal, resolveHost(target, resolve));
      const refused = addresses.find((address) => !isAllowed(address, target, rules));
      if (refused !== undefined)
        throw new Problem('value', `${target.hostname} is in a private or reserved network (${refused}). Its keys are fetched only when JWKS_HOSTS names it.`, { expression: 'jwksUri' }); // prettier-ignore
      return ask(target, addresses, signal);
    },
  };
}

/** What the text alone tells. @throws Problem `value`. */
function checkedUrl(text: string, rules: FetchRules): URL {
  const refuse = (reason: string): never => {
    throw new Problem('value', `jwksUri: ${reason}`, { expression: 'jwksUri' });
  };
  const url = text.length <= longestAddress && /^[\x21-\x7e]+$/.test(text) ? URL.parse(text) : null;
  if (!url || url.hostname === '') return refuse('is no absolute address; it begins with https://.');
  if (url.username !== '' || url.password !== '') refuse('must not carry a user name or password.');
  if (text.includes('#')) refuse('must not have a fragment.');
  const development = url.protocol === 'http:' && isLoopbackName(url) && (rules.loopback || isNamed(url, rules));
  if (url.protocol !== 'https:' && !development) refuse('must be https, so that nobody on the way can put other keys in its place.'); // prettier-ignore
  const literal = bare(url.hostname);
  if (isIP(literal) !== 0 && !isAllowed(literal, url, rules)) refuse(`${literal} is in a private or reserved network; it is fetched only when JWKS_HOSTS names it.`); // prettier-ignore
  return url;
}

function isNamed(url: URL, { hosts }: FetchRules): boolean {
  return hosts.some((host) => host.toLowerCase() === url.host || host.toLowerCase() === url.hostname);
}

function isLoopbackName({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

function isAllowed(address: string, url: URL, rules: FetchRules): boolean {
  // An IPv4 address inside an IPv6 one is what is connected to.
  const read = ipaddr.process(address);
  const range = read.range();
  if (range === 'unicast') return isGlobal(read) && !platform.has(read.toString());
  if (range === 'loopback' && rules.loopback && isLoopbackName(url)) return true;
  return internal.has(range) && isNamed(url, rules);
}

/** Of IPv6 only 2000::/3 is given to anybody (RFC 4291 2.4): the rest of "unicast" holds old ways to write and to reach IPv4 (`::127.0.0.1`). */
function isGlobal(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address instanceof ipaddr.IPv4 || address.parts[0]! >> 13 === 1;
}

async function resolveHost({ hostname }: URL, resolve: (host: string) => Promise<string[]>): Promise<string[]> {
  const literal = bare(hostname);
  if (isIP(literal) !== 0) return [literal];
  const addresses = await resolve(hostname).catch((cause: unknown) => {
    throw new Problem('transient', `${hostname} is not known to the network (DNS).`, { cause });
  });
  if (addresses.length === 0 || addresses.some((address) => isIP(address) === 0))
    throw new Problem('transient', `${hostname} has no address.`);
  return addresses;
}

/** Gives up on what cannot be cancelled. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    signal.addEventListener('abort', () => fail(tooSlow()), { once: true });
    work.then(done, fail);
  });
}

const tooSlow = () => new Problem('transient', `The address did not answer within ${patienceMs / 1000} seconds.`);

async function ask(
  url: URL,
  addresses: string[],
  signal: AbortSignal,
): Promise<{ set: unknown; maxAge: number | undefined }> {
  const options: RequestOptions = {
    method: 'GET',
    headers: {
      Accept: 'application/jwk-set+json, application/json',
      'Accept-Encoding': 'identity',
      'User-Agent': 'csss',
    },
    agent: false,
    signal,
    lookup: pinned(addresses),
  };
  const response = await new Promise<IncomingMessage>((done, fail) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    send(url, options, done).once('error', fail).end();
  }).catch((cause: unknown) => {
    throw signal.aborted ? tooSlow() : new Problem('transient', `The address cannot be reached: ${codeOf(cause)}.`, { cause }); // prettier-ignore
  });
  try {
    checkAnswer(response);
    const set = parsed(await bytesOf(response, signal));
    return { set, maxAge: maxAgeOf(response.headers) };
  } finally {
    response.destroy();
  }
}

/** Connects to the addresses that were checked, and asks no name server again. */
function pinned(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    if (options.all) done(null, all);
    else done(null, all[0]!.address, all[0]!.family);
  };
}

function checkAnswer({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400)
    throw new Problem('value', `The address redirects (${statusCode}). Redirects are not followed: register the address where the keys are.`); // prettier-ignore
  if (statusCode !== 200) throw new Problem('transient', `The address answers ${statusCode} instead of 200.`);
  const { 'content-encoding': coding } = headers;
  if (coding !== undefined && coding !== 'identity') throw new Problem('value', 'The address sends a compressed answer, which was not asked for.'); // prettier-ignore
}

async function bytesOf(response: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) throw new Problem('value', `The answer is larger than ${mostBytes / 1024} KiB, which no key set is.`); // prettier-ignore
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw signal.aborted ? tooSlow() : new Problem('transient', 'The answer ended early.', { cause });
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new Problem('value', 'The answer is no JSON.', { cause });
  }
}

/** Seconds that Cache-Control gives (RFC 9111 5.2.2); 0 if it is not to be kept. */
function maxAgeOf({ 'cache-control': header }: IncomingMessage['headers']): number | undefined {
  if (header === undefined) return undefined;
  if (/(?:^|[\s,])no-(?:store|cache)\b/i.test(header)) return 0;
  const found = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/i.exec(header);
  return found ? Number(found[1]) : undefined;
}

/** A code of the system or of TLS, for the administrator: no text of the other side. */
function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'the connection failed';
}
