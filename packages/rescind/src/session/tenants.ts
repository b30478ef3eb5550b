import { RescindError } from '../base/errors.ts'
import type { Awaitable } from '../base/types.ts'
import type { CheckableToken } from '../revocation/check.ts'
import { invalid, peekJws } from '../tokens/jws.ts'
import type { KeyRing } from '../tokens/key-ring.ts'
import type { NotedToken, TokenVerifier } from '../tokens/verify.ts'
import { callHook, type Hooks } from './hooks.ts'

/** Verifies tokens by the keys of their tenant, where the program has tenants. */
export interface Tenants {
  /** False where all tokens are verified by the same keys. */
  readonly areMany: boolean
  /** A promise where there are tenants. Throws or rejects as {@link TokenVerifier.verify}; `isPart` is as there. */
  verify(token: string, nowMs: number, isPart: boolean): Awaitable<NotedToken<CheckableToken>>
  /**
   * Rejects with `token_invalid` when a token that follows another would not be verified by the same keys: a tenant that
   * signs by itself could name the user of another one, and have a token of that one's made.
   */
  checkSuccessor(parent: string, successor: string): Promise<void>
}

/** Puts the choice of keys before the verifier. */
export function createTenants(
  verifier: TokenVerifier<CheckableToken>,
  verificationKeys: Hooks<unknown, never, unknown>['verificationKeys'],
): Tenants {
  if (verificationKeys === undefined) {
    return {
      areMany: false,
      verify: (token, nowMs, isPart) => verifier.verify(token, nowMs, isPart),
      checkSuccessor: async () => {},
    }
  }
  const ringOf = async (token: string): Promise<KeyRing> => {
    const { header, payload } = peekJws(token)
    const ring: Partial<KeyRing> | null | undefined = await callHook('verificationKeys', () =>
      verificationKeys(header, payload),
    )
    if (typeof ring?.candidates !== 'function') throw invalid('There are no keys for this token.')
    return ring as KeyRing
  }
  return {
    areMany: true,
    verify: async (token, nowMs, isPart) => verifier.verify(token, nowMs, isPart, await ringOf(token)),
    async checkSuccessor(parent, successor) {
      if ((await ringOf(parent)) === (await ringOf(successor))) return
      throw new RescindError('token_invalid', 'The token that would follow belongs to another tenant.')
    },
  }
}
