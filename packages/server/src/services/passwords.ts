import { availableParallelism } from 'node:os'
import { hash, hashSync, verify } from '@node-rs/argon2'
import { createLimiter, type Limiter } from './limiter.ts'

/** Hashes passwords and compares with the hashes. */
export interface Passwords {
  hash(password: string): Promise<string>
  /** False for a `null` hash, after the same work as for a real one. */
  matches(password: string, passwordHash: string | null): Promise<boolean>
}

// OWASP's first choice for argon2id, which is the library's default algorithm: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const MAX_WAITING = 64

/** Argon2id over the password exactly as it was sent (ASVS 6.2.8), no more at a time than the machine has cores. */
export function createPasswords(limiter: Limiter = defaultLimiter()): Passwords {
  // What an unknown account is compared with, so that its absence cannot be told by the time an answer takes.
  const dummyHash = hashSync('', COST)
  return {
    hash: (password) => limiter.run(() => hash(password, COST)),
    async matches(password, passwordHash) {
      const equal = await limiter.run(() => verify(passwordHash ?? dummyHash, password))
      return equal && passwordHash !== null
    },
  }
}

function defaultLimiter(): Limiter {
  return createLimiter({ maxRunning: availableParallelism(), maxWaiting: MAX_WAITING })
}
