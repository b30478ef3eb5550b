import { measureAllocation, measureMemory } from './memory.mjs'
import { measureExpiry, measureGrowth } from './pauses.mjs'
import { measureTimes } from './times.mjs'

/** Needs --expose-gc. */
export async function measureLookups({ quick, report }) {
  const [many, expiring] = quick ? [200_000, 20_000] : [10_000_000, 1_000_000]
  const scale = { many, expiring, quick }
  // First what depends on how memory lies, before the rest has stirred it.
  await measureIndex(scale, report)
  globalThis.gc()
  measureGrowth(scale, report)
  measureExpiry(scale, report)
}

async function measureIndex(scale, report) {
  const set = await measureMemory(scale, report)
  measureAllocation(set, report)
  await measureTimes(set, scale, report)
}
