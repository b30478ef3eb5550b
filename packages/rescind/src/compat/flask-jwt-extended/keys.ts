import { RescindError } from '../../base/errors.ts'
import { type Algorithm, algorithms, isAlgorithm } from '../../tokens/algorithms.ts'
import { createBoundedCache } from '../../tokens/bounded-cache.ts'
import { createKeyRing, type KeyRing } from '../../tokens/key-ring.ts'
import { createKey, type Key } from '../../tokens/keys.ts'
import type { FlaskSettings } from './options.ts'

/** What a key loader may answer: a key made by `createKey`, or what one is made from. */
export type FlaskKey = Key | Parameters<typeof createKey>[0]

/** The keys that the options name; a loader can take the place of either. */
export interface FlaskKeys {
  /** `null` where the options hold none. */
  readonly signing: Key | null
  /** `null` where the options hold none for one of the accepted algorithms. */
  readonly verifying: KeyRing | null
  /** What to tell whoever needs the key that is not there. */
  readonly missing: string
}

/** Makes a key for one algorithm. */
export type LoadKey = (material: FlaskKey, alg: Algorithm) => Key

const LOADED_KEYS = 256

/**
 * A secret of 32 bytes is strong enough for every HMAC algorithm, though RFC 7518 §3.2 asks for more with the longer
 * ones: an application that moves here has one secret.
 */
export function createKeyLoader(allowWeakSecret: boolean): LoadKey {
  // A loader answers the same few texts again and again, and reading PEM takes longer than checking a signature.
  const known = createBoundedCache<string, { name: string; key: Key }>(LOADED_KEYS, ({ name }) => name)
  const load = (material: Exclude<FlaskKey, Key>, alg: Algorithm): Key => {
    if (algorithms[alg].kind !== 'hmac') return createKey(material, { alg, kid: alg })
    if (!allowWeakSecret) createKey(material, { alg: 'HS256' })
    return createKey(material, { alg, kid: alg, allowWeakSecret: true })
  }
  return (material, alg) => {
    if (isKey(material)) return material
    if (typeof material !== 'string') return load(material, alg)
    const name = `${alg} ${material}`
    const loaded = known.get(name)
    if (loaded !== undefined) return loaded.key
    const key = load(material, alg)
    known.set({ name, key })
    return key
  }
}

/** The algorithms that a token may name. */
export function acceptedAlgorithms({ JWT_ALGORITHM, JWT_DECODE_ALGORITHMS }: FlaskSettings): readonly string[] {
  return [...new Set([JWT_ALGORITHM, ...JWT_DECODE_ALGORITHMS])]
}

/** Reads the keys. Throws `unsafe_key` or `invalid_config`, naming the option. */
export function readKeys(settings: FlaskSettings, alg: Algorithm, load: LoadKey): FlaskKeys {
  const { kind } = algorithms[alg]
  const names =
    kind === 'hmac' ? (['JWT_SECRET_KEY', 'SECRET_KEY'] as const) : (['JWT_PUBLIC_KEY', 'JWT_PRIVATE_KEY'] as const)
  const signingNames = kind === 'hmac' ? names : (['JWT_PRIVATE_KEY'] as const)
  const loadFirst = (options: readonly (typeof names)[number][], wanted: Algorithm): Key | null => {
    const name = options.find((option) => settings[option] !== null)
    return name === undefined ? null : naming(name, () => load(settings[name] ?? '', wanted))
  }
  const known = acceptedAlgorithms(settings).filter(isAlgorithm)
  const keys = known.map((wanted) => (algorithms[wanted].kind === kind ? loadFirst(names, wanted) : null))
  const found = keys.filter((key) => key !== null)
  return {
    signing: loadFirst(signingNames, alg),
    verifying: found.length === known.length ? ringOf(found) : null,
    missing:
      found.length > 0
        ? `JWT_DECODE_ALGORITHMS: the key of ${alg} serves no other kind of algorithm, but for a decodeKey loader`
        : `${kind === 'hmac' ? 'JWT_SECRET_KEY' : 'JWT_PUBLIC_KEY'} must be set to use the algorithm ${alg}`,
  }
}

/** Keys of one application, each for its algorithm. The `kid` of a token is of no account, as in the original. */
export function ringOf(keys: readonly Key[]): KeyRing {
  const ring = createKeyRing({ verifyOnly: keys })
  return { ...ring, candidates: (alg) => ring.candidates(alg, undefined) }
}

/** The key under no name: the original writes no `kid`, but for one that the application asks for. */
export function unnamed(key: Key): Key {
  return { ...key, kid: undefined }
}

function isKey(material: FlaskKey): material is Key {
  return typeof material === 'object' && 'verify' in material && typeof material.verify === 'function'
}

/** Puts the name of the option before what is wrong with it. */
function naming<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RescindError) throw new RescindError(error.code, `${name}: ${error.message}`)
    throw error
  }
}
