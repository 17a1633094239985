import { Problem } from '../../problem.ts';

/** Hosts of an app on the user's own computer (RFC 8252 7.3), as the URL parser writes them. */
const loopbackHosts = new Set(['127.0.0.1', '[::1]', 'localhost']);

const longestAddress = 2000;
export const mostAddresses = 20;

/**
 * An address that a browser is sent to (redirect, launch, logo): https, or http on this computer for development.
 * Compared as text when it is used (RFC 9700 2.1), so nothing in it may be read in two ways.
 *
 * @param name of the field, for the refusal
 * @throws Problem `value`
 */
export function checkWebAddress(text: string, name: string): void {
  const refuse = (reason: string): never => {
    throw new Problem('value', `${name}: ${reason}`, { expression: name });
  };
  if (text.length > longestAddress) refuse(`an address has at most ${longestAddress} characters.`);
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes('\\'))
    refuse('an address is written in ASCII, without spaces and backslashes; other characters are percent-encoded.');
  if (text.includes('*')) refuse(`${text} has a wildcard; register each address by itself.`);
  if (text.includes('#')) refuse(`${text} has a fragment (#); register the address without it.`);
  const url = URL.parse(text);
  if (!url?.hostname) return refuse(`${text} is no absolute address; it begins with https://.`);
  if (url.username !== '' || url.password !== '') refuse('an address must not carry a user name or password.');
  if (url.protocol === 'https:' || isLoopback(url)) return;
  refuse(
    url.protocol === 'http:'
      ? `${text} is not encrypted; use https. http is for 127.0.0.1, [::1] and localhost only.`
      : `${text} has the scheme ${url.protocol} and must begin with https://; apps on a computer use a loopback address.`,
  );
}

/** Whether it is http on the user's own computer. */
export function isLoopbackAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isLoopback(url);
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && loopbackHosts.has(hostname);
}

/**
 * OpenID Connect's `application_type`: a `native` app may come back to any port of a loopback address (RFC 8252 7.3),
 * which is what an app on the user's computer needs.
 */
export function applicationType(redirectUris: readonly string[]): 'web' | 'native' {
  const hosts = redirectUris.map((uri) => URL.parse(uri)).filter((url) => url !== null);
  const securedLoopback = hosts.some(({ protocol, hostname }) => protocol === 'https:' && loopbackHosts.has(hostname));
  return !securedLoopback && redirectUris.some(isLoopbackAddress) ? 'native' : 'web';
}
