import type { WriteOutcomes } from './timely-rescind.ts'

/** Whether what the service stores can be written. */
export interface WriteHealth extends WriteOutcomes {
  takesWrites(): Promise<boolean>
}

const SUCCESS_COUNTS_MS = 5_000
const FAILURE_COUNTS_MS = 500

/**
 * Remembers how the last write of a request went; where that was long ago, or it failed, a probe writes. A service that
 * gets requests is never probed, and one that gets none because it is not ready finds out that it could be.
 */
export function createWriteHealth(probe: () => Promise<void>): WriteHealth {
  let last = { well: true, at: Number.NEGATIVE_INFINITY }
  let probing: Promise<boolean> | null = null
  const told = (well: boolean) => {
    last = { well, at: performance.now() }
  }
  const ask = async (): Promise<boolean> => {
    try {
      await probe()
      told(true)
      return true
    } catch {
      told(false)
      return false
    } finally {
      probing = null
    }
  }
  return {
    succeeded: () => told(true),
    failed: () => told(false),
    async takesWrites() {
      const ageMs = performance.now() - last.at
      if (last.well && ageMs < SUCCESS_COUNTS_MS) return true
      if (!last.well && ageMs < FAILURE_COUNTS_MS) return false
      probing ??= ask()
      return probing
    },
  }
}
