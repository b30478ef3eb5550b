import { type Clock, isAlgorithm, type Key, type KeyRing, type Rescind, RescindError } from 'rescind'
import { z } from 'zod'

/** What there is to know of a token for its revocation. */
export interface RevocableToken {
  readonly type: 'access' | 'refresh'
  readonly jti: string
  readonly sid?: string | undefined
  readonly sub: string
  readonly expiresAtMs: number
}

/** Finds out what a token that is shown would revoke. */
export interface RevocableTokens {
  /**
   * `null` for one that is of no use anywhere, now or later: forged, expired, revoked already, or none at all. Rejects
   * with `overloaded` or `revocation_unavailable` where nobody can say.
   */
  read(token: string): Promise<RevocableToken | null>
}

/** Keys that may have to be read again, since another instance has made a new one. */
export interface ReadableKeys {
  readonly keys: KeyRing
  /** Reads them as they are at the call or later. Rejects with `overloaded` where they cannot be read. */
  readAgain(): Promise<void>
}

// A token dated further ahead may outlive the record of its revocation: to say "done" would not be true.
const MAX_AHEAD_MS = 86_400_000

const header = z.object({ alg: z.string().refine(isAlgorithm), kid: z.string().optional() })
const id = z
  .string()
  .min(1)
  .max(512)
  .refine((text) => !/[\p{Surrogate}\0]/u.test(text))
const claims = z.object({
  type: z.enum(['access', 'refresh']),
  jti: id,
  sid: id.optional(),
  sub: id,
  iat: z.number(),
  exp: z.number(),
})

/**
 * Reads tokens of ours, also those which this instance does not accept yet, since its clock is behind that of the one
 * which issued them, or since it has not heard of the key: their holders want them dead, and others accept them already.
 */
export function createRevocableTokens(parts: { auth: Rescind; signing: ReadableKeys; clock: Clock }): RevocableTokens {
  const { auth, signing, clock } = parts
  return {
    async read(token) {
      try {
        return await auth.verify(token, { type: 'any' })
      } catch (error) {
        if (!(error instanceof RescindError) || !error.code.startsWith('token_')) throw error
        return error.code === 'token_invalid' ? notYetAccepted(token, signing, clock) : null
      }
    },
  }
}

async function notYetAccepted(token: string, signing: ReadableKeys, clock: Clock): Promise<RevocableToken | null> {
  const [head = '', body = '', signature = ''] = token.split('.')
  const named = header.safeParse(read(head))
  if (!named.success) return null
  const { alg, kid } = named.data
  const known = () => signing.keys.candidates(alg, kid)
  // All that are made for others to hear of have a name.
  if (kid !== undefined && known().length === 0) await signing.readAgain()
  if (!(await isSigned(known(), `${head}.${body}`, signature))) return null
  const said = claims.safeParse(read(body))
  if (!said.success) return null
  const { type, jti, sid, sub, iat, exp } = said.data
  const nowMs = clock.now()
  if (exp * 1000 <= nowMs) return null
  if (iat * 1000 > nowMs + MAX_AHEAD_MS) {
    throw new RescindError('overloaded', 'The token is of a day to come: one of the clocks is wrong.')
  }
  return { type, jti, sid, sub, expiresAtMs: exp * 1000 }
}

async function isSigned(keys: readonly Key[], input: string, signature: string): Promise<boolean> {
  for (const key of keys) if ((await key.verify(input, signature)) === true) return true
  return false
}

function read(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString())
  } catch {
    return null
  }
}
