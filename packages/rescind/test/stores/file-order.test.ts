import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FeedSink, Ledger, Position, Revocation } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { eventually } from 'rescind/testing'
import { describe, it } from 'vitest'
import { createRandom } from '../support/random.ts'

const WRITERS = 8
const PER_WRITER = 1_000
const ALL = WRITERS * PER_WRITER
const SEED = 7
const TIMEOUT_MS = 60_000
const NOW = 1_700_000_000_000

function revocation(id: string): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt: NOW + 60_000 }
}

/** Reads what there is and follows from there. */
function follow(ledger: Ledger): { ids: string[]; stop(): Promise<void> } {
  const ids: string[] = []
  const ending = new AbortController()
  const take = (records: readonly Revocation[]) => {
    for (const record of records) if (record.kind !== 'everything') ids.push(record.id)
  }
  const following = (async () => {
    let position: Position = ''
    for await (const page of ledger.read(null)) {
      take(page.records)
      position = page.position
    }
    const sink: FeedSink = { now: () => 0, records: (page) => take(page.records), current: () => {} }
    await ledger.follow(position, sink, ending.signal)
  })()
  return {
    ids,
    async stop() {
      ending.abort()
      await following
    },
  }
}

describe('the order of the file store', () => {
  it(
    `is one for all followers, whenever they came (seed ${SEED})`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
      const random = createRandom(SEED)
      // Each opening is a process as far as the log can tell.
      const stores = Array.from({ length: 3 }, () => fileStore(join(folder, 'log'), { compactBytes: 65_536 }))
      const anyLedger = () => random.pick(stores).ledger
      const followers = [follow(anyLedger())]
      const write = async (writer: number) => {
        for (let n = 0; n < PER_WRITER; n += 1) {
          await anyLedger().append([revocation(`w${writer}-${n}`)])
          if (random.below(400) === 0) followers.push(follow(anyLedger()))
        }
      }
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
      for (const follower of followers) await eventually(() => follower.ids.length >= ALL, TIMEOUT_MS)
      const [first, ...others] = followers.map((follower) => follower.ids)
      equal(new Set(first).size, ALL)
      equal(first?.length, ALL)
      for (const ids of others) deepEqual(ids, first)
      for (let writer = 0; writer < WRITERS; writer += 1) {
        const own = Array.from({ length: PER_WRITER }, (_, n) => `w${writer}-${n}`)
        deepEqual(
          first?.filter((id) => id.startsWith(`w${writer}-`)),
          own,
        )
      }
      await Promise.all(followers.map((follower) => follower.stop()))
      await Promise.all(stores.map((store) => store.close()))
      rmSync(folder, { recursive: true })
    },
    TIMEOUT_MS,
  )
})
