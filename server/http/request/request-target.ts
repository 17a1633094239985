import type { IncomingMessage } from 'node:http';

/**
 * Brings the request line and Host to the one form that everything behind relies on: a path in visible ASCII and one
 * host. An absolute target (RFC 9112 3.2.2) is taken apart here, because libraries parse it by other rules than we do,
 * and throw on what is no address.
 *
 * @returns false for what is to be answered 400 (RFC 9112 3.2): no target, or two hosts.
 */
export function normaliseTarget(request: IncomingMessage): boolean {
  const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  const target = request.url ?? '';
  if (hosts.length > 1 || !/^[\x21-\x7e]+$/.test(target)) return false;
  if (target.startsWith('/') || (target === '*' && request.method === 'OPTIONS')) return true;
  const absolute = /^https?:\/\//i.test(target) ? URL.parse(target) : null;
  if (!absolute) return false;
  request.url = absolute.pathname + absolute.search;
  request.headers.host = absolute.host;
  return true;
}
