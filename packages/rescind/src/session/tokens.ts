import { createHash } from 'node:crypto'
import { createIdSource, uuidV7 } from '../base/ids.ts'
import type { JsonObject } from '../base/types.ts'
import { signingKey } from '../tokens/key-ring.ts'
import { mintToken } from '../tokens/mint.ts'
import type { Settings } from './options.ts'

/** The two tokens of a login, and how long each lives. */
export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInSeconds: number
  readonly refreshExpiresInSeconds: number
  readonly sid: string
  readonly sub: string
}

/** What a pair is minted from. Times are milliseconds since the epoch. */
export interface PairOrder {
  readonly sub: string
  readonly sid: string
  readonly fresh: boolean
  readonly claims: JsonObject | undefined
  readonly nowMs: number
  readonly refreshJti: string
  readonly refreshIssuedAtMs: number
  readonly refreshExpiresAtMs: number
}

/** Mints tokens by the settings. */
export interface TokenFactory {
  newId(nowMs: number): string
  pair(order: PairOrder): TokenPair
  access(order: Omit<PairOrder, 'refreshJti' | 'refreshIssuedAtMs' | 'refreshExpiresAtMs'>): string
}

/** Composes minting with issuer, audience and the active key, which is looked up for each token. */
export function createTokenFactory(settings: Settings): TokenFactory {
  const { keys, issuer, audience, accessTtlMs } = settings
  const newId = createIdSource(settings.random)
  const access: TokenFactory['access'] = ({ sub, sid, fresh, claims, nowMs }) =>
    mintToken(
      {
        type: 'access',
        sub,
        sid,
        fresh,
        claims,
        issuer,
        audience,
        jti: newId(nowMs),
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + accessTtlMs,
      },
      signingKey(keys),
    )
  return {
    newId,
    access,
    pair(order) {
      const { sub, sid, nowMs, refreshJti, refreshIssuedAtMs, refreshExpiresAtMs, claims } = order
      const refreshToken = mintToken(
        {
          type: 'refresh',
          sub,
          sid,
          fresh: false,
          claims,
          issuer,
          audience,
          jti: refreshJti,
          issuedAtMs: refreshIssuedAtMs,
          expiresAtMs: refreshExpiresAtMs,
        },
        signingKey(keys),
      )
      return {
        accessToken: access(order),
        refreshToken,
        expiresInSeconds: Math.floor(accessTtlMs / 1000),
        refreshExpiresInSeconds: Math.max(0, Math.floor((refreshExpiresAtMs - nowMs) / 1000)),
        sid,
        sub,
      }
    },
  }
}

/** What a store keeps of a refresh token in place of its id. */
export function refreshHash(jti: string): string {
  return createHash('sha256').update(`rescind refresh token\0${jti}`).digest('base64url')
}

/**
 * The id of the refresh token that follows another. It is derived, not drawn, so that every request that presents the
 * same parent within the grace window gets the same successor, while the store holds nothing but hashes.
 */
export function successorJti(parentJti: string, issuedAtMs: number): string {
  const digest = createHash('sha256').update(`rescind refresh successor\0${parentJti}`).digest()
  return uuidV7(issuedAtMs, digest)
}
