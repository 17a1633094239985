import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import type { Middleware } from 'koa';
import type { State } from '../state.ts';

/** Longer chains of proxies are made up. */
const mostHops = 32;

/**
 * The proxies whose word about the client is believed.
 *
 * @param ranges addresses and CIDR ranges, IPv4 or IPv6.
 * @throws Error naming the one that is neither.
 */
export function trustedProxies(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits, ...more] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const longest = family === 'ipv6' ? 128 : 32;
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
    if (isIP(address) === 0 || more.length > 0 || !isPrefix) throw new Error(`${range} is no address and no range`);
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/**
 * Puts the client's address into `ctx.state.clientAddress`, for whatever counts, limits or records callers. Nothing
 * else reads `ctx.ip`: behind a proxy that is the proxy, and all people would be one.
 */
export function clientAddress(trusted: BlockList): Middleware<State> {
  return async (ctx, next) => {
    ctx.state.clientAddress = addressOf(ctx.req.socket.remoteAddress, ctx.get('X-Forwarded-For'), trusted);
    await next();
  };
}

/** The same for a request that becomes a channel and never meets koa. */
export function upgradingAddress(request: IncomingMessage, trusted: BlockList): string {
  return addressOf(request.socket.remoteAddress, [request.headers['x-forwarded-for'] ?? ''].flat().join(','), trusted);
}

/**
 * The client's address: the peer of the connection, or, if that is a trusted proxy, the right-most address of
 * X-Forwarded-For that is not one. What stands left of it was written by the client and may be anything.
 *
 * `Forwarded` (RFC 7239) is not read: a proxy writes one of the two headers and passes the other on as the client sent it.
 *
 * @param forwardedFor the header, repeated ones joined by commas as Node does.
 */
export function addressOf(peer: string | undefined, forwardedFor: string, trusted: BlockList): string {
  let client = plainAddress(peer ?? '') ?? 'unknown'; // the connection is gone, or is no TCP
  const hops = forwardedFor === '' ? [] : forwardedFor.split(',').slice(-mostHops).reverse();
  for (const hop of hops) {
    if (!isTrusted(client, trusted)) break;
    const address = plainAddress(hop);
    if (address === undefined) break; // who wrote that cannot be told: the last known one answers for it
    client = address;
  }
  return client;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** One spelling for each address: without port, brackets and zone, IPv4 as such even inside IPv6, IPv6 compressed. */
function plainAddress(text: string): string | undefined {
  const bare = text.trim().replace(/^"(.*)"$/, '$1');
  const inside = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(bare)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(bare)?.[1] ?? bare;
  const address = inside.split('%')[0]!;
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return address;
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:([\d.]+)$/.exec(canonical)?.[1] ?? canonical;
}
