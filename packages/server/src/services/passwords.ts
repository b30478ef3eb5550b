import { availableParallelism } from 'node:os'
import { hash, hashSync } from '@node-rs/argon2'
import { hashesAtOnce } from './hashes-at-once.ts'
import { createLimiter, type Limiter, type MeasuredLimiter } from './limiter.ts'
import { COST, readHash } from './password-hashes.ts'
import type { ReadHash } from './read-hash.ts'

/**
 * Hashes passwords and compares with the hashes. Both wait for their turn, and reject with `overloaded` where that takes
 * too long; whoever waits leaves the queue when its `signal` aborts.
 */
export interface Passwords {
  hash(password: string, signal?: AbortSignal): Promise<string>
  /** False for a `null` hash, and for one that cannot be used, after the same work as for a real one. */
  matches(password: string, passwordHash: string | null, signal?: AbortSignal): Promise<boolean>
}

const MAX_WAITING = 64
const MAX_WAIT_MS = 5_000
/** Of libuv, where `UV_THREADPOOL_SIZE` says nothing else. */
const DEFAULT_POOL_THREADS = 4

/**
 * Argon2id over the password exactly as it was sent (ASVS 6.2.8), no more at a time than the machine bears. Hashes that
 * were imported are compared with in their own way.
 */
export function createPasswords(limiter: Limiter = passwordLimiter()): Passwords {
  // What an unknown account is compared with, so that its absence cannot be told by the time an answer takes.
  const dummy = readHash(hashSync('', COST))
  if (dummy === null) throw new TypeError('a hash that was just made cannot be read')
  const compare = async (stored: ReadHash | null, password: string): Promise<boolean> => {
    if (stored === null) return dummy.matches(password)
    // An imported hash may ask for what its algorithm cannot do; it matches nothing then, after the usual work.
    return stored.matches(password).catch(async () => (await dummy.matches(password)) && false)
  }
  return {
    hash: (password, signal) => limiter.run(() => hash(password, COST), signal),
    async matches(password, passwordHash, signal) {
      const stored = passwordHash === null ? null : readHash(passwordHash)
      const equal = await limiter.run(() => compare(stored, password), signal)
      return equal && stored !== null
    },
  }
}

/** As many hashes at a time as the machine bears, and a queue that ends. */
export function passwordLimiter(): MeasuredLimiter {
  const poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || DEFAULT_POOL_THREADS
  return createLimiter({
    maxRunning: hashesAtOnce({ cores: availableParallelism(), poolThreads }),
    maxWaiting: MAX_WAITING,
    maxWaitMs: MAX_WAIT_MS,
  })
}
