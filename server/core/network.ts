/**
 * The network that an address is counted under: of IPv6 the first 64 bits, because a single host has all the rest to
 * choose from; of IPv4 as many as asked for.
 *
 * @param address as `clientAddress` gives it: IPv6 compressed, IPv4 never inside IPv6.
 */
export function networkOf(address: string, bitsOfIpv4: 24 | 32): string {
  if (!address.includes(':')) return bitsOfIpv4 === 24 ? address.replace(/\.\d+$/, '.0') : address;
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return `${[...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')}::`;
}
