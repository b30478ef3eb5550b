import { isIPv4, isIPv6 } from 'node:net'

// IPv4-mapped addresses, and those that a translator makes of IPv4 (RFC 6052): behind it, all callers share a /64.
const HOLDING_IPV4: readonly string[] = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/**
 * What counts as one caller: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address of a /64 has
 * all of them.
 */
export function networkOf(address: string): string {
  // Some proxies write the port behind the address. All that is no address counts as one caller.
  const ip = isIPv6(address) ? address : address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (!isIPv6(ip)) return isIPv4(ip) ? ip : 'unknown'
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return mapped
  // The URL parser writes an address in its one shortest form, and an IPv4 tail as two groups.
  const canonical = new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - first.length - last.length }, () => '0')
  const groups = [...first, ...zeros, ...last]
  if (HOLDING_IPV4.includes(groups.slice(0, 6).join(':'))) return dotted(groups.slice(6))
  return `${groups.slice(0, 4).join(':')}::/64`
}

function dotted(groups: readonly string[]): string {
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 0xff])
    .join('.')
}
