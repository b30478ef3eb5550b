import { createBoundedCache } from './bounded-cache.ts'
import { createDoorkeeper } from './doorkeeper.ts'
import { tailHash } from './tail-hash.ts'

/**
 * Remembers what verified tokens said. Only tokens with a valid signature are put in, and of these only what comes a second
 * time, so nothing an attacker sends can grow it, and neither forged nor one-time tokens push others out.
 */
export interface VerifiedCache<T extends { readonly verified: { readonly token: string } }> {
  get(token: string): T | undefined
  /** Whether a verified token is to be put in. The first time that it is asked for, it is not. */
  admits(token: string): boolean
  set(verified: T): void
}

/** @param capacity how many tokens are remembered at the most; 0 remembers none */
export function createVerifiedCache<T extends { readonly verified: { readonly token: string } }>(
  capacity: number,
): VerifiedCache<T> {
  const cache = createBoundedCache<number, T>(capacity, ({ verified }) => tailHash(verified.token))
  const doorkeeper = createDoorkeeper(capacity)
  return {
    get(token) {
      const known = cache.get(tailHash(token))
      // Compared whole, so that no two share an entry.
      return known?.verified.token === token ? known : undefined
    },
    admits: (token) => capacity > 0 && doorkeeper.knows(tailHash(token)),
    set: cache.set,
  }
}
