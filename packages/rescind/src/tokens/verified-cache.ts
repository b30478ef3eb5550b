import { createBoundedCache } from './bounded-cache.ts'

/**
 * Remembers what verified tokens said. Only tokens with a valid signature are put in, so nothing an attacker sends can
 * grow it or push others out.
 */
export interface VerifiedCache<T extends { readonly token: string }> {
  get(token: string): T | undefined
  set(verified: T): void
}

// As many characters as the signature of HS256 has. Tokens are looked up by their end and then compared whole, so that no
// two share an entry: to hash all of a token takes four times as long.
const KEY_LENGTH = 43

/** @param capacity how many tokens are remembered at the most; 0 remembers none */
export function createVerifiedCache<T extends { readonly token: string }>(capacity: number): VerifiedCache<T> {
  const cache = createBoundedCache<T>(capacity)
  return {
    get(token) {
      const known = cache.get(token.slice(-KEY_LENGTH))
      return known?.token === token ? known : undefined
    },
    set: (verified) => cache.set(verified.token.slice(-KEY_LENGTH), verified),
  }
}
