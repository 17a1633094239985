import { BlockList, isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';

/** What is known of a connection before anything is said. */
export interface Caller {
  address: string;
  /** SHA-256 of the certificate that it has shown, and that our authorities signed. */
  fingerprint: string | undefined;
}

export function callerOf(socket: Socket): Caller {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
  const digest = socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : undefined;
  return { address, fingerprint: digest?.replaceAll(':', '').toLowerCase() };
}

/** Why an application entity may not call, or undefined when it may. */
export function whyRefused(ae: RemoteAe | undefined, caller: Caller): string | undefined {
  if (!ae) return 'not registered';
  if (ae.disabled) return 'out of service';
  if (!isWithin(ae.addresses, caller.address)) return 'calls from another address';
  if (ae.fingerprint !== undefined && ae.fingerprint !== caller.fingerprint)
    return 'shows another certificate, or none';
  return undefined;
}

function isWithin(ranges: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(bits), family);
  }
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
