import { type Counters, counterKey } from './counters.ts'
import { RateLimitedError } from './rate-limited-error.ts'

/** One attempt that was let through; it counts as a wrong password until one of these is called. */
export interface Attempt {
  /** The password was right. `true` where the owner should be told of it, which is so at most once an hour. */
  succeeded(): Promise<boolean>
  /** The password was never looked at. */
  withdrawn(): Promise<void>
}

/** Whose password is guessed. */
export interface GuessedAccount {
  readonly key: string
  /** Another number with each change of its password or address: places that had entered it before are strangers then. */
  readonly generation: number
}

/** Makes guessing one account's password slow, without locking its owner out. */
export interface PasswordGuesses {
  /**
   * Before a password for `account` is looked at. `place` is where it comes from. Rejects with `rate_limited`. What it
   * does depends on nothing but these two: an account that does not exist is treated as one that does.
   */
  attempt(account: GuessedAccount, place: string): Promise<Attempt>
  /**
   * Lets passwords for `account` come from `place` at once, however many were wrong: somebody there has proved in another
   * way to own the account.
   */
  trust(account: GuessedAccount, place: string): Promise<void>
}

/** How wrong passwords are waited for. */
export interface PasswordGuessesOptions {
  readonly counters: Counters
  readonly freeGuesses: number
  readonly maxDelayMs: number
}

const DAY_MS = 86_400_000
const KNOWN_PLACE_MS = 90 * DAY_MS
const FIRST_DELAY_MS = 1_000
const HOUR_MS = 3_600_000

/**
 * After some wrong passwords, the next one is let through only after a second, then two, four, and so on up to a bound.
 * All places that never entered an account share its count, or many of them would guess many times as fast. A place
 * that has entered it since its last change, or is trusted, has a count of its own, so that its owner comes in while
 * others guess.
 */
export function createPasswordGuesses({ counters, freeGuesses, maxDelayMs }: PasswordGuessesOptions): PasswordGuesses {
  const knownPlace = ({ key, generation }: GuessedAccount, place: string) =>
    counterKey('known', key, String(generation), place)
  const makeKnown = async (account: GuessedAccount, place: string) => {
    const known = knownPlace(account, place)
    await counters.delete(known)
    await counters.add(known, 1, KNOWN_PLACE_MS)
  }
  const beginAnew = async (...bucket: readonly string[]) => {
    await Promise.all([counters.delete(counterKey('wrong', ...bucket)), counters.delete(counterKey('gate', ...bucket))])
  }
  return {
    async attempt(account, place) {
      const { key } = account
      const isKnown = (await counters.get(knownPlace(account, place))) !== null
      const bucket = isKnown ? [key, place] : [key]
      const wrong = counterKey('wrong', ...bucket)
      const gate = counterKey('gate', ...bucket)

      const closed = await counters.get(gate)
      if (closed !== null) throw new RateLimitedError(closed.msLeft)
      const { count } = await counters.add(wrong, 1, DAY_MS)
      const takeBack = async () => {
        await counters.add(wrong, -1, DAY_MS)
      }
      if (count > freeGuesses) {
        const delayMs = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(30, count - freeGuesses - 1))
        // Of those that come at once, the one who closes the gate behind itself goes through.
        const closing = await counters.add(gate, 1, delayMs)
        if (closing.count > 1) {
          await takeBack()
          throw new RateLimitedError(closing.msLeft)
        }
      }
      return {
        async succeeded() {
          const elsewhere = isKnown ? ((await counters.get(counterKey('wrong', key)))?.count ?? 0) : 0
          await makeKnown(account, place)
          // Only this place begins anew: had the count of all others ended here, they could go on guessing faster.
          if (isKnown) await beginAnew(key, place)
          else await takeBack()
          // This attempt was counted with the wrong ones.
          if (Math.max(count - 1, elsewhere) < freeGuesses) return false
          return (await counters.add(counterKey('told', key), 1, HOUR_MS)).count === 1
        },
        withdrawn: takeBack,
      }
    },
    async trust(account, place) {
      await makeKnown(account, place)
      await beginAnew(account.key, place)
    },
  }
}
