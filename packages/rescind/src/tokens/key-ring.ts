import type { JsonWebKey } from 'node:crypto'
import { configError } from '../base/errors.ts'
import type { Algorithm } from './algorithms.ts'
import type { Key } from './keys.ts'

/** The keys in use: one signs, the others still verify. */
export interface KeyRing {
  /** Signs every new token. */
  readonly active: Key
  /** Counts the changes; whoever caches a result of the ring drops it when this changes. */
  readonly version: number
  /** The algorithms some key of the ring serves: the allow-list of verification. */
  readonly algorithms: ReadonlySet<Algorithm>
  /** The keys that may verify a token with this header. A `kid` is only looked up; without one, all of that `alg`. */
  candidates(alg: Algorithm, kid: string | undefined): readonly Key[]
  /** Makes `key` the active one; the one before it goes on verifying. */
  rotate(key: Key): void
  /** Takes the key with this `kid` out: tokens it signed are refused from now on. The active key cannot be retired. */
  retire(kid: string): void
  /** The public keys as a JWK Set (RFC 7517 §5). Secrets are never in it. */
  jwks(): { keys: JsonWebKey[] }
}

// A token without a `kid` is tried against every key of its algorithm, so the count bounds the work of a refusal.
const MAX_KEYS = 16

/**
 * Puts keys together.
 *
 * @param keys `active` signs; `verifyOnly` keys are still accepted (default none)
 * @throws RescindError `invalid_config` when the active key cannot sign, two keys share a `kid`, or there are over 16
 */
export function createKeyRing(keys: { active: Key; verifyOnly?: readonly Key[] }): KeyRing {
  let ring = checked(keys.active, keys.verifyOnly ?? [])
  let active = keys.active
  let algorithms = new Set(ring.map((key) => key.alg))
  let version = 0
  const replace = (nextActive: Key, others: readonly Key[]) => {
    ring = checked(nextActive, others)
    active = nextActive
    algorithms = new Set(ring.map((key) => key.alg))
    version += 1
  }
  return {
    get active() {
      return active
    },
    get version() {
      return version
    },
    get algorithms() {
      return algorithms
    },
    candidates(alg, kid) {
      return ring.filter((key) => key.alg === alg && (kid === undefined || key.kid === kid))
    },
    rotate(key) {
      replace(key, ring)
    },
    retire(kid) {
      if (active.kid === kid) throw configError('the active key cannot be retired: rotate to another one first')
      const rest = ring.filter((key) => key !== active && key.kid !== kid)
      if (rest.length === ring.length - 1) throw configError('no key of the ring has this kid')
      replace(active, rest)
    },
    jwks() {
      return { keys: ring.map((key) => key.publicJwk()).filter((jwk) => jwk !== null) }
    },
  }
}

function checked(active: Key, others: readonly Key[]): readonly Key[] {
  if (!active.canSign) throw configError('the active key must be able to sign: give a private key')
  const keys = [active, ...others]
  if (keys.length > MAX_KEYS) throw configError(`a key ring holds at most ${MAX_KEYS} keys: retire old ones`)
  const kids = keys.map((key) => key.kid)
  if (new Set(kids).size !== kids.length) throw configError('two keys of the ring share a kid (or lack one): name each')
  return keys
}
