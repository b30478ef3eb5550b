import { setTimeout } from 'node:timers/promises'
import { filled, tokensOf, uuidFor } from './records.mjs'

const TOKENS = 1_000
const CHECKS = 1_000_000
const TRIES = 6

/** What each record takes; answers the set of them. */
export async function measureMemory({ many }, report) {
  const before = await memoryInUse()
  const set = filled(many)
  const after = await memoryInUse()
  const heap = (after.heapUsed - before.heapUsed) / many
  report.figure('memory', 'bytes for each record outside the heap', {
    value: (after.arrayBuffers - before.arrayBuffers) / many,
    most: 32,
    note: `the set says ${(set.bytes / many).toFixed(2)}; on the heap ${heap.toFixed(2)}`,
  })
  return set
}

/** What a million checks add to the heap. The least of some tries counts: others have the compiler at work. */
export function measureAllocation(set, report) {
  const tokens = tokensOf(TOKENS, (n) => (n % 2 === 0 ? uuidFor(n) : uuidFor(-1 - n)))
  const prepared = tokens.map((ids) => set.prepare(ids))
  for (const [name, check] of [
    ['find', (n) => set.find(tokens[n])],
    ['findPrepared', (n) => set.findPrepared(prepared[n])],
  ]) {
    let least = Number.POSITIVE_INFINITY
    for (let tried = 0; tried < TRIES; tried += 1) {
      const before = process.memoryUsage().heapUsed
      for (let n = 0; n < CHECKS; n += 1) check(n % TOKENS)
      least = Math.min(least, Math.abs(process.memoryUsage().heapUsed - before))
    }
    // Asking for the memory in use takes some itself.
    report.figure('memory', `bytes that ${name} allocates`, {
      value: Math.floor(least / CHECKS),
      most: 0,
      note: `${least} in a million`,
    })
  }
}

/** After the collector has run; it frees what lies outside the heap a little later. */
async function memoryInUse() {
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc()
    await setTimeout(20)
  }
  return process.memoryUsage()
}
