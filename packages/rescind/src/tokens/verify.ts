import { RescindError } from '../base/errors.ts'
import type { JsonObject } from '../base/types.ts'
import { type ClaimRules, checkTimes, readClaims, type TokenClaims } from './claims.ts'
import { verifyJws } from './jws.ts'
import type { KeyRing } from './key-ring.ts'
import { freezeDeep } from './strict-json.ts'
import { createVerifiedCache } from './verified-cache.ts'

/** A token that was signed by one of our keys, is meant for us, and has the right form. */
export interface VerifiedToken extends TokenClaims {
  readonly token: string
  readonly header: JsonObject
  /** The whole payload. */
  readonly claims: JsonObject
}

/** Checks signature, form, issuer, audience and times; knows nothing of revocation. */
export interface TokenVerifier {
  /**
   * @param nowMs milliseconds since the epoch
   * @throws RescindError `token_malformed`, `token_invalid` or `token_expired`
   */
  verify(token: string, nowMs: number): VerifiedToken
}

/** Composes the checks of one token; `cacheSize` verified tokens are remembered. */
export function createTokenVerifier(keys: KeyRing, rules: ClaimRules, cacheSize: number): TokenVerifier {
  const cache = createVerifiedCache<VerifiedToken>(cacheSize)
  let cachedVersion = keys.version
  return {
    verify(token, nowMs) {
      if (typeof token !== 'string') throw new RescindError('token_malformed', 'A token is a string.')
      if (keys.version !== cachedVersion) {
        // A retired key's tokens must not live on in the cache.
        cache.clear()
        cachedVersion = keys.version
      }
      let verified = cache.get(token)
      if (verified === undefined) {
        const { header, payload } = verifyJws(token, keys)
        const claims = freezeDeep(payload)
        verified = Object.freeze({ ...readClaims(claims, rules), token, header: freezeDeep(header), claims })
        checkTimes(verified, rules, nowMs)
        cache.set(token, verified)
      } else checkTimes(verified, rules, nowMs)
      return verified
    },
  }
}
