import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Problem } from '../core/problem.ts';

/** What the server asks on somebody else's word: so that nobody can make it ask its own network. */
export interface OutsideRules {
  /** Host names, with a port where it matters (`ehr.internal`, `localhost:9443`), that may be in the private network. */
  hosts: readonly string[];
  /** http to this computer, for demo mode and development. */
  loopback: boolean;
  /** The resolver: that of the system, which knows the hosts file of the hospital. */
  resolve?: (host: string) => Promise<string[]>;
  /** What the address is called by whoever gave it. */
  field: string;
  /** What somebody on the way could do without https. */
  danger: string;
  /** The setting that names `hosts`; without one there is no way inside. */
  setting?: string;
}

const longestAddress = 2000;

/** What a host that is named in the settings may be, beside a public one. Never link-local: the cloud's metadata live there. */
const internal = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'loopback']);
/** Public by its range, and yet the platform's own: Azure's wire server. */
const platform = new Set(['168.63.129.16']);

/** What the text alone tells. @throws Problem `value`. */
export function outsideUrl(text: string, rules: OutsideRules): URL {
  const refuse = (reason: string): never => {
    throw new Problem('value', `${rules.field}: ${reason}`, { expression: rules.field });
  };
  const url = text.length <= longestAddress && /^[\x21-\x7e]+$/.test(text) ? URL.parse(text) : null;
  if (!url || url.hostname === '') return refuse('is no absolute address; it begins with https://.');
  if (url.username !== '' || url.password !== '') refuse('must not carry a user name or password.');
  if (text.includes('#')) refuse('must not have a fragment.');
  const development = url.protocol === 'http:' && isLoopbackName(url) && (rules.loopback || isNamed(url, rules));
  if (url.protocol !== 'https:' && !development)
    refuse(`must be https, so that nobody on the way can ${rules.danger}.`);
  const literal = bare(url.hostname);
  if (isIP(literal) !== 0 && !isAllowed(literal, url, rules))
    refuse(`${literal} is in a private or reserved network${wayIn(rules, '; it is fetched only when')}.`);
  return url;
}

function wayIn({ setting }: OutsideRules, words: string): string {
  return setting === undefined ? '' : `${words} ${setting} names it`;
}

/**
 * The addresses behind a name, all of them checked: to be connected to as they are (`pinned`), because a name may resolve
 * to another one the next moment.
 *
 * @throws Problem `value` for a private one, `transient` when there is none.
 */
export async function outsideAddresses(url: URL, rules: OutsideRules, signal: AbortSignal): Promise<string[]> {
  const resolve =
    rules.resolve ?? ((host) => systemLookup(host, { all: true }).then((all) => all.map(({ address }) => address)));
  const addresses = await within(signal, resolveHost(url, resolve));
  const refused = addresses.find((address) => !isAllowed(address, url, rules));
  if (refused !== undefined)
    throw new Problem('value', `${url.hostname} is in a private or reserved network (${refused})${wayIn(rules, '. Its keys are fetched only when')}.`, { expression: rules.field }); // prettier-ignore
  return addresses;
}

/** Connects to the addresses that were checked, and asks no name server again. */
export function pinned(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    if (options.all) done(null, all);
    else done(null, all[0]!.address, all[0]!.family);
  };
}

export const tooSlow = () => new Problem('transient', 'The address did not answer within 5 seconds.');

/** A code of the system or of TLS, for the administrator: no text of the other side. */
export function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'the connection failed';
}

function isNamed(url: URL, { hosts }: OutsideRules): boolean {
  return hosts.some((host) => host.toLowerCase() === url.host || host.toLowerCase() === url.hostname);
}

function isLoopbackName({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

function isAllowed(address: string, url: URL, rules: OutsideRules): boolean {
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
