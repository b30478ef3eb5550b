import { verify } from '@node-rs/bcrypt'
import type { ReadHash } from './read-hash.ts'

const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const MIN_COST = 4
/** About a second of one core. */
const MAX_COST = 14
const MAX_BYTES = 72

/**
 * Reads a bcrypt hash. Bcrypt itself looks at the first 72 bytes of a password only, and most makers of hashes stop at a
 * NUL: what is longer, or has one, matches nothing here, since its beginning would do as well. Whoever has such a
 * password sets another one by e-mail.
 */
export function readBcrypt(hash: string): ReadHash | null {
  const cost = Number(FORM.exec(hash)?.[1])
  if (!(cost >= MIN_COST && cost <= MAX_COST)) return null
  return {
    async matches(password) {
      const isWhole = Buffer.byteLength(password) <= MAX_BYTES && !password.includes('\0')
      // The same work either way.
      return (await verify(password, hash)) && isWhole
    },
  }
}
