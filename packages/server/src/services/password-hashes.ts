import { verify as verifyArgon2 } from '@node-rs/argon2'
import { readBcrypt } from './bcrypt-hash.ts'
import type { ReadHash } from './read-hash.ts'
import { readWerkzeug } from './werkzeug-hash.ts'

/** OWASP's first choice for argon2id, which is the library's default algorithm: 19 MiB, two passes, one lane. */
export const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const CURRENT = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$`
const ARGON2 =
  /^\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([\w+/]{11,86})\$([\w+/]{16,86})$/
const MAX_HASH = 512

// A hash that was imported decides how much work a login makes. These stay below what a login may wait for.
const MAX_MEMORY_KIB = 262_144
const MAX_PASSES_OVER_MEMORY_KIB = 1_048_576
const MAX_LANES = 16

/**
 * Reads a stored hash: Argon2 with whatever cost, bcrypt, or one of Werkzeug's. `null` for anything else, and for one
 * that asks for more work than a login may make.
 */
export function readHash(hash: string): ReadHash | null {
  if (hash.length > MAX_HASH) return null
  return readArgon2(hash) ?? readBcrypt(hash) ?? readWerkzeug(hash)
}

/** True where a login should replace the hash, since new ones are made in another way. */
export function isOutdated(hash: string): boolean {
  return !hash.startsWith(CURRENT)
}

function readArgon2(hash: string): ReadHash | null {
  const match = ARGON2.exec(hash)
  if (match === null || !match.slice(4).every(isBase64)) return null
  const [memory = 0, passes = 0, lanes = 0] = match.slice(1, 4).map(Number)
  if (passes < 1 || lanes < 1 || lanes > MAX_LANES || memory < 8 * lanes) return null
  if (memory > MAX_MEMORY_KIB || memory * passes > MAX_PASSES_OVER_MEMORY_KIB) return null
  return { matches: (password) => verifyArgon2(hash, password) }
}

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text
}
