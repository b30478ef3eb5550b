import { RescindError } from '../base/errors.ts'
import type { Awaitable, JsonObject } from '../base/types.ts'
import { type ClaimRules, checkTimes, readClaims, type TokenClaims } from './claims.ts'
import { type JwsContent, verifyJws } from './jws.ts'
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

/** A token that was verified, and the note that was made of it then. The same one at every sight of the token. */
export interface NotedToken<Note> {
  readonly verified: VerifiedToken
  readonly note: Note
}

/** Checks signature, form, issuer, audience and times; knows nothing of revocation. */
export interface TokenVerifier<Note = unknown> {
  /**
   * @param nowMs milliseconds since the epoch
   * @param ring the keys of this token's tenant, where they are not the same for all
   * @returns a promise for a token that is new here, where keys verify by promises; it rejects with what is thrown otherwise
   * @throws RescindError `token_malformed`, `token_invalid` or `token_expired`
   */
  verify(token: string, nowMs: number, ring?: KeyRing): Awaitable<NotedToken<Note>>
}

/** What is remembered of a token, and for which state of which keys it holds. */
interface RememberedToken<Note> extends NotedToken<Note> {
  readonly ring: KeyRing
  readonly ringVersion: number
}

/** Composes the checks of one token; `cacheSize` verified tokens are remembered, each with what `noteOf` makes of it. */
export function createTokenVerifier<Note>(
  parts: { keys: KeyRing; rules: ClaimRules; noteOf: (verified: VerifiedToken) => Note },
  cacheSize: number,
): TokenVerifier<Note> {
  const { keys, rules, noteOf } = parts
  const cache = createVerifiedCache<RememberedToken<Note>>(cacheSize)
  return {
    verify(token, nowMs, ring = keys) {
      if (typeof token !== 'string') throw new RescindError('token_malformed', 'A token is a string.')
      const known = cache.get(token)
      // A retired key's tokens must not live on in the cache.
      if (known !== undefined && known.ring === ring && known.ringVersion === ring.version) {
        checkTimes(known.verified, rules, nowMs)
        return known
      }
      const ringVersion = ring.version
      const note = ({ header, payload }: JwsContent): NotedToken<Note> => {
        const claims = freezeDeep(payload)
        const verified = Object.freeze({ ...readClaims(claims, rules), token, header: freezeDeep(header), claims })
        checkTimes(verified, rules, nowMs)
        const noted = { verified, note: noteOf(verified), ring, ringVersion }
        cache.set(token, noted)
        return noted
      }
      const content = verifyJws(token, ring)
      return content instanceof Promise ? content.then(note) : note(content)
    },
  }
}
