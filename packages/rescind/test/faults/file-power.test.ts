import { equal, ok } from 'node:assert/strict'
import type { Store } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { describe, it } from 'vitest'
import { createRandom, type Random } from '../support/random.ts'
import { createSimulatedDisk, hasCode } from './file-disk.ts'
import { type Book, check, createBook, revocation, work } from './file-workload.ts'

const CUTS = 10
const CALLERS = 4

/** Several callers in each of several processes, until all have done their work or failed. */
async function workOn(stores: readonly Store[], book: Book, of: { name: string; random: Random; count: number }) {
  const survives = hasCode('EIO')
  const callers = stores.flatMap((store, at) =>
    Array.from({ length: CALLERS }, (_, n) => work(store, book, { ...of, name: `${of.name}-${at}-${n}`, survives })),
  )
  return Promise.allSettled(callers)
}

function firstFailure(results: readonly PromiseSettledResult<void>[]): unknown {
  return results.find((result) => result.status === 'rejected')?.reason
}

function newestFile(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => Number(/^log\.(\d+)$/.exec(name)?.[1] ?? 0)))
}

describe('the file store and power cuts', () => {
  for (const seed of [1, 2, 3, 166, 167]) {
    it(`loses nothing acknowledged over ${CUTS} power cuts, whatever is going on (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const disk = createSimulatedDisk(random)
      const book = createBook()
      for (let cut = 0; cut < CUTS; cut += 1) {
        const fileSystem = disk.boot()
        const stores = Array.from({ length: 3 }, () => fileStore('/data/log', { fileSystem, compactBytes: 4_096 }))
        // Now and then the power goes again while the log is being recovered.
        if (random.below(5) === 0) disk.operationsLeft = 1 + random.below(40)
        const recovering = stores.slice(0, 1).map((store) => check(store, book))
        await Promise.all(recovering).catch((error: unknown) => {
          if (disk.isOn) throw error
        })
        disk.operationsLeft = Math.min(disk.operationsLeft, 20 + random.below(1_000))
        const failure = firstFailure(await workOn(stores, book, { name: `${cut}`, random, count: 300 }))
        if (disk.isOn && failure !== undefined) throw failure
        if (disk.isOn) disk.cutPower()
        await Promise.all(stores.map((store) => store.close()))
      }
      const survivor = fileStore('/data/log', { fileSystem: disk.boot() })
      await check(survivor, book)
      await survivor.close()
      ok(book.revoked.size > 0 && book.sessions.size > 0, 'the power was always cut too early')
      ok(newestFile(disk.list()) > 1, 'the log was never compacted')
    })
  }

  it('loses nothing wherever in a compaction the power is cut', async () => {
    let wasCut = true
    let cuts = 0
    for (let operations = 1; wasCut; operations += 1) {
      const disk = createSimulatedDisk(createRandom(operations))
      const book = createBook()
      const before = fileStore('/data/log', { fileSystem: disk.boot() })
      await work(before, book, { name: 'before', count: 120, random: createRandom(operations) })
      equal(newestFile(disk.list()), 1)
      await before.close()
      const fileSystem = disk.boot()
      const stores = [4_096, 1_000_000].map((compactBytes) => fileStore('/data/log', { fileSystem, compactBytes }))
      disk.operationsLeft = operations
      const appends = stores.flatMap((store, at) =>
        Array.from({ length: 6 }, async (_, n) => {
          const id = `during-${at}-${n}`
          await store.ledger.append([revocation(id)])
          book.revoked.set(id, revocation(id).expiresAt)
          await store.ledger.append([revocation(`${id}-after`)])
          book.revoked.set(`${id}-after`, revocation(id).expiresAt)
        }),
      )
      await Promise.allSettled(appends)
      // The compaction goes on by itself; asking lets it come to its end.
      while (disk.isOn && newestFile(disk.list()) === 1) await stores[0]?.ledger.generation().catch(() => {})
      await Promise.allSettled(stores.map((store) => store.ledger.generation()))
      wasCut = !disk.isOn
      if (wasCut) cuts += 1
      else disk.cutPower()
      await Promise.all(stores.map((store) => store.close()))
      const survivor = fileStore('/data/log', { fileSystem: disk.boot() })
      await check(survivor, book)
      await survivor.close()
    }
    ok(cuts > 30, `the compaction took ${cuts} operations only`)
  })

  for (const seed of [1, 2, 3, 4]) {
    it(`trusts nothing that a failed sync should have written (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const disk = createSimulatedDisk(random)
      const book = createBook()
      let failedSyncs = 0
      for (let cut = 0; cut < CUTS; cut += 1) {
        const fileSystem = disk.boot()
        const stores = Array.from({ length: 2 }, () => fileStore('/data/log', { fileSystem, compactBytes: 8_192 }))
        await workOn(stores, book, { name: `${cut}-before`, random, count: 5 })
        disk.syncsToFail = 1 + random.below(3)
        failedSyncs += disk.syncsToFail
        disk.operationsLeft = 20 + random.below(400)
        const failure = firstFailure(await workOn(stores, book, { name: `${cut}`, random, count: 20 }))
        if (disk.isOn && failure !== undefined) throw failure
        failedSyncs -= disk.syncsToFail
        disk.syncsToFail = 0
        if (disk.isOn) disk.cutPower()
        await Promise.all(stores.map((store) => store.close()))
        const survivor = fileStore('/data/log', { fileSystem: disk.boot() })
        await check(survivor, book)
        await survivor.close()
      }
      ok(failedSyncs > CUTS)
    })
  }
})
