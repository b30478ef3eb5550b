import { configError } from '../../base/errors.ts'
import { isUsableId, uuidV7Time } from '../../base/ids.ts'
import type { JsonObject, TokenIds } from '../../base/types.ts'
import type { RescindOptions } from '../../session/options.ts'
import { createRescind, type Rescind } from '../../session/rescind.ts'
import type { Revoke } from '../../session/revoke.ts'
import type { Store } from '../../session/sessions.ts'
import { createKeyRing } from '../../tokens/key-ring.ts'
import { generateKey } from '../../tokens/keys.ts'

/** How the library stands to the store: the options of that name of `createRescind`. */
export type FlaskRevocationOptions = Pick<
  RescindOptions,
  'allowVolatile' | 'mode' | 'onUnavailable' | 'askTimeoutMs' | 'maxStalenessMs'
>

/** What the library knows of revoked tokens, beside what a `tokenInBlocklist` loader says. */
export interface FlaskRevocation {
  ready(): Promise<void>
  close(): Promise<void>
  readonly revoke: Revoke
  /** True for a token that was revoked, or that has outlived the memory of revocations. */
  isRevoked(claims: JsonObject, nowMs: number): boolean | Promise<boolean>
}

/** Ten years: tokens of the original may live for ever, and a revocation has to be remembered for as long. */
const MEMORY_SECONDS = 315_360_000

/** The library's own revocation, over a store. Nothing is revoked where there is none. */
export function createRevocation(
  store: Store | undefined,
  options: FlaskRevocationOptions & Pick<RescindOptions, 'clock' | 'random' | 'onWarning'>,
  identityClaim: string,
): FlaskRevocation {
  if (store === undefined) return withoutStore
  const engine: Rescind = createRescind({
    ...options,
    store,
    maxTokenTtlSeconds: MEMORY_SECONDS,
    // It mints and checks no token: keys are the business of the configuration.
    keys: createKeyRing({ active: generateKey('HS256') }),
  })
  return {
    ready: () => engine.ready(),
    close: () => engine.close(),
    revoke: engine.revoke,
    isRevoked(claims, nowMs) {
      const ids = idsOf(claims, identityClaim)
      if (claims.iat !== undefined && ids.iatMs + MEMORY_SECONDS * 1000 <= nowMs) return true
      return engine.isRevoked(ids)
    },
  }
}

const withoutStore: FlaskRevocation = {
  ready: () => Promise.resolve(),
  close: () => Promise.resolve(),
  get revoke(): Revoke {
    throw configError('there is nowhere to record a revocation: give createFlaskJwt a store')
  },
  isRevoked: () => false,
}

function idsOf(claims: JsonObject, identityClaim: string): TokenIds {
  const { jti, sid } = claims
  return {
    jti: isUsableId(jti) ? jti : undefined,
    sid: isUsableId(sid) ? sid : undefined,
    sub: subjectOf(claims[identityClaim]),
    iatMs: issuedAtMs(claims),
  }
}

/** What a token's identity is called in `revoke.subject()`: itself, or the number as text. */
function subjectOf(identity: unknown): string | undefined {
  const text = typeof identity === 'number' ? String(identity) : identity
  return isUsableId(text) ? text : undefined
}

/**
 * The original dates tokens to the second. Those made here tell the millisecond in their id, so that a login right after
 * a log-out-everywhere falls on the right side of it. A token without a date dies at every cut-off.
 */
function issuedAtMs({ iat, jti }: JsonObject): number {
  if (typeof iat !== 'number') return 0
  const ms = uuidV7Time(typeof jti === 'string' ? jti : '')
  return Math.floor(ms / 1000) === iat ? ms : Math.floor(iat * 1000)
}
