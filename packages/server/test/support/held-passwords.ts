import { createPasswords, type Passwords } from '../../src/services/passwords.ts'

/** Real passwords, of which the next comparison can be held up after it was made, and hashes until many are wished for. */
export function createHeldPasswords() {
  const real = createPasswords()
  let hold: Promise<void> | null = null
  let gathering: { missing: number; all: Promise<void>; release(): void } | null = null
  const expectOneLess = (): void => {
    if (gathering === null) return
    gathering.missing -= 1
    if (gathering.missing > 0) return
    gathering.release()
    gathering = null
  }
  const passwords: Passwords = {
    async hash(password, signal) {
      const all = gathering?.all
      expectOneLess()
      await all
      return real.hash(password, signal)
    },
    async matches(password, passwordHash) {
      const held = hold
      hold = null
      const equal = await real.matches(password, passwordHash)
      await held
      return equal
    },
  }
  return {
    passwords,
    holdNext(): () => void {
      let release = () => {}
      hold = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
    isHeld: () => hold === null,
    /** No hash is made before so many are wished for, or will not be: see `expectOneLess`. */
    gather(missing: number): void {
      let release = () => {}
      const all = new Promise<void>((resolve) => {
        release = resolve
      })
      gathering = { missing, all, release }
    },
    /** To be told of whoever was refused before there was anything to hash, as on a machine that is busy. */
    expectOneLess,
  }
}
