import { configError, RescindError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/types.ts'
import { isAlgorithm } from '../../tokens/algorithms.ts'
import { createJwsVerifier } from '../../tokens/jws.ts'
import type { KeyRing } from '../../tokens/key-ring.ts'
import { sameSecret } from '../../web/csrf.ts'
import { checkClaims } from './claims.ts'
import type { FlaskConfig } from './config.ts'
import { ringOf } from './keys.ts'
import type { FlaskLoaders } from './loaders.ts'
import { readUnverified, wordsForRefusal } from './pyjwt-words.ts'
import { invalid, refused, type ShownToken, unauthorized } from './refusals.ts'

/** How a token is decoded outside of a request. */
export interface DecodeOptions {
  /** The CSRF token that the token has to hold. @default not looked at */
  readonly csrfValue?: string | null | undefined
  /** Takes an expired token. @default false */
  readonly allowExpired?: boolean | undefined
}

/** Checks all of a token but its type, its freshness and whether it was revoked. Rejects with the refusal. */
export type Decode = (token: unknown, options?: DecodeOptions) => Promise<ShownToken>

/** Composes signature and claims. Whether a token is accepted, the library's strict code decides; the words are PyJWT's. */
export function createDecode<User, Subject>(
  config: FlaskConfig,
  loaders: FlaskLoaders<User, Subject>,
  wallNow: () => number,
): Decode {
  const { algorithms, keys, loadKey, settings } = config

  const { decodeKey } = loaders
  const jws = createJwsVerifier()
  if (decodeKey === undefined && keys.verifying === null) throw configError(keys.missing)

  const keysFor = async (token: string): Promise<KeyRing | null> => {
    if (decodeKey === undefined) return keys.verifying
    const unverified = readUnverified(token)
    if (typeof unverified === 'string') throw invalid(unverified)
    const { header, claims } = unverified
    const material = await decodeKey(header, claims)
    return isAlgorithm(header.alg) && algorithms.includes(header.alg) ? ringOf([loadKey(material, header.alg)]) : null
  }

  const verified = async (token: string, ring: KeyRing | null) => {
    try {
      if (ring !== null) return await jws.verify(token, ring)
    } catch (error) {
      if (!(error instanceof RescindError)) throw error
    }
    throw invalid(wordsForRefusal(token, algorithms))
  }

  return async (token, { csrfValue, allowExpired = false } = {}) => {
    if (typeof token !== 'string') throw invalid("Invalid token type. Token must be a <class 'bytes'>")
    const { header, payload } = await verified(token, await keysFor(token))
    const { claims, expired } = checkClaims(payload, settings, wallNow())
    if (csrfValue !== undefined && csrfValue !== null && csrfValue !== '') checkCsrf(claims, csrfValue)
    if (expired && !allowExpired) throw refused('expired', { header, claims })
    return { header, claims: Object.freeze(claims) }
  }
}

function checkCsrf({ csrf }: JsonObject, submitted: string): void {
  if (csrf === undefined) throw invalid('Missing claim: csrf')
  if (typeof csrf !== 'string' || !sameSecret(csrf, submitted)) {
    throw unauthorized('CSRF double submit tokens do not match', 'csrf_failed')
  }
}
