import { isIP } from 'node:net'

/**
 * Whose word for a client's address is taken, in `X-Forwarded-For`: nobody's, the last so many proxies', or that of
 * these addresses and networks.
 */
export type TrustedProxies = false | number | readonly string[]

const MAX_HOPS = 10

/** The same as Fastify has it. A number it does not take itself: that is safe only where nobody gets past the proxies. */
export function trustOf(proxies: TrustedProxies): false | string[] | ((address: string, hop: number) => boolean) {
  if (typeof proxies === 'number') return (_address, hop) => hop < proxies
  return proxies === false ? false : [...proxies]
}

/**
 * Reads them from a setting; `null` for none that is usable. Everybody's word cannot be taken: any client could then
 * choose its address, and with it whose limits it meets.
 */
export function readTrustedProxies(text: string): TrustedProxies | null {
  if (text === 'false') return false
  if (/^\d{1,2}$/.test(text)) {
    const hops = Number(text)
    return hops <= MAX_HOPS ? hops || false : null
  }
  const networks = text.split(',').map((network) => network.trim())
  return networks.every(isNetwork) ? networks : null
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...others] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || others.length > 0) return false
  if (prefix === undefined) return true
  // A prefix of 0 is everybody.
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128)
}
