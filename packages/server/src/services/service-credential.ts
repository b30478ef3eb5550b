import { createHash, timingSafeEqual } from 'node:crypto'

/** What other services of the same owner show, in place of a user's token. */
export interface ServiceCredential {
  accepts(presented: string): boolean
}

/**
 * Compares with each of `tokens`, in a time that tells nothing of them. There are two while one takes the place of the
 * other.
 */
export function createServiceCredential(tokens: readonly string[]): ServiceCredential {
  const digests = tokens.map(digest)
  return {
    accepts(presented) {
      const shown = digest(presented)
      let accepted = false
      for (const known of digests) accepted = timingSafeEqual(known, shown) || accepted
      return accepted
    },
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
