import { type Decision, type Rescind, RescindError } from 'rescind'
import type { SigningKeys } from './open-signing-keys.ts'

/**
 * The same, but a token that none of the known keys has signed is looked at once more where a new key has come meanwhile:
 * another instance may sign with it already.
 */
export function catchingUpRescind(auth: Rescind, { keys, catchUp }: SigningKeys): Rescind {
  /** Whether there are other keys now than before. */
  const hasCaughtUp = async (error: unknown, versionBefore: number): Promise<boolean> => {
    if (!(error instanceof RescindError) || error.code !== 'token_invalid') return false
    await catchUp()
    return keys.version !== versionBefore
  }
  const twice = async <T>(verb: () => Promise<T>): Promise<T> => {
    const { version } = keys
    try {
      return await verb()
    } catch (error) {
      if (await hasCaughtUp(error, version)) return verb()
      throw error
    }
  }
  return {
    ...auth,
    check(request, options) {
      const { version } = keys
      const settled = (decision: Decision) =>
        // Most pass, and none of those is to wait for a promise.
        decision.ok ? decision : checkedAgain(decision)
      const checkedAgain = async (refused: Decision & { ok: false }) =>
        (await hasCaughtUp(refused.error, version)) ? auth.check(request, options) : refused
      const decision = auth.check(request, options)
      return decision instanceof Promise ? decision.then(settled) : settled(decision)
    },
    verify: (token, options) => twice(() => auth.verify(token, options)),
    refresh: (token) => twice(() => auth.refresh(token)),
  }
}
