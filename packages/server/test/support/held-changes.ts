import type { AccountChanges } from '../../src/services/account-changes.ts'

/** Real changes of accounts, of which the next can be held up after it was made. */
export function createHeldChanges(real: AccountChanges) {
  let hold: Promise<void> | null = null
  let isMade = false
  const changes: AccountChanges = {
    async endingSessions(end, change) {
      const held = hold
      hold = null
      const result = await real.endingSessions(end, change)
      isMade = held !== null
      await held
      return result
    },
  }
  return {
    changes,
    holdNext(): () => void {
      let release = () => {}
      isMade = false
      hold = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
    isMade: () => isMade,
  }
}
