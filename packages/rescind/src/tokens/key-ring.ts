import type { JsonWebKey } from 'node:crypto'
import { configError } from '../base/errors.ts'
import type { Algorithm } from './algorithms.ts'
import type { Key } from './keys.ts'

/** The keys in use: one signs, the others still verify. */
export interface KeyRing {
  /** Signs every new token; `null` in a ring that only verifies. */
  readonly active: Key | null
  /**
   * Counts the changes; whoever caches a result of the ring drops it when this changes. A ring of your own must count, too,
   * or its tokens are not remembered; a copy made by spreading another one stands still and must not be used.
   */
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
 * @param keys `active` signs (none in a process that only checks tokens); `verifyOnly` keys are still accepted (default
 *   none)
 * @throws RescindError `invalid_config` when the active key cannot sign, two keys share a `kid`, there are none, or over 16
 * @example
 * ```ts
 * const keys = createKeyRing({ active: generateKey('EdDSA'), verifyOnly: [lastYears] })
 * const resourceServer = createKeyRing({ verifyOnly: jwks.keys.map((jwk) => createKey(jwk)) })
 * ```
 */
export function createKeyRing(keys: { active?: Key | undefined; verifyOnly?: readonly Key[] }): KeyRing {
  let active = keys.active ?? null
  let ring = checked(active, keys.verifyOnly ?? [])
  let algorithms = new Set(ring.map((key) => key.alg))
  let version = 0
  const replace = (nextActive: Key | null, others: readonly Key[]) => {
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
      // A key that was published ahead of its use is in the ring already, to verify.
      replace(
        key,
        ring.filter((other) => !isSameKey(other, key)),
      )
    },
    retire(kid) {
      if (active?.kid === kid) throw configError('the active key cannot be retired: rotate to another one first')
      const rest = ring.filter((key) => key !== active && key.kid !== kid)
      if (rest.length === ring.length - 1) throw configError('no key of the ring has this kid')
      replace(active, rest)
    },
    jwks() {
      return { keys: ring.map((key) => key.publicJwk()).filter((jwk) => jwk !== null) }
    },
  }
}

function checked(active: Key | null, others: readonly Key[]): readonly Key[] {
  if (active?.canSign === false) throw configError('the active key must be able to sign: give a private key')
  const keys = active === null ? others : [active, ...others]
  if (keys.length === 0) throw configError('a key ring needs a key: give `active`, or `verifyOnly` keys')
  if (keys.length > MAX_KEYS) throw configError(`a key ring holds at most ${MAX_KEYS} keys: retire old ones`)
  const kids = keys.map((key) => key.kid)
  if (new Set(kids).size !== kids.length) throw configError('two keys of the ring share a kid (or lack one): name each')
  return keys
}

function isSameKey(a: Key, b: Key): boolean {
  const material = (key: Key) => JSON.stringify(key.publicJwk() ?? key.privateJwk())
  return a.kid === b.kid && a.alg === b.alg && material(a) === material(b)
}

/**
 * The key that signs.
 *
 * @throws RescindError `invalid_config` when the ring only verifies
 */
export function signingKey(keys: KeyRing): Key {
  if (keys.active === null) throw configError('this key ring only verifies: tokens are issued where `active` is given')
  return keys.active
}
