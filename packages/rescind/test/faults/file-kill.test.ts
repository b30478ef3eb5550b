import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { Store } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { sqliteStore } from 'rescind/stores/sqlite'
import { beforeAll, describe, it } from 'vitest'
import { buildLibrary } from '../support/build.ts'
import { createRandom } from '../support/random.ts'
import { type StoreWorker, startStoreWorker } from '../support/store-workers.ts'

const KILLS = 201
const AT_ONCE = 3
const LONGEST_LIFE_MS = 200
const TIMEOUT_MS = 180_000
const NOW = 1_700_000_000_000
const SEED = 1

/** The stores that keep their promises when the process is killed. */
const kinds: { kind: string; open(path: string): { store: Store; close(): Promise<void> } }[] = [
  {
    kind: 'file',
    open(path) {
      const store = fileStore(path)
      return { store, close: () => store.close() }
    },
  },
  {
    kind: 'sqlite',
    open(path) {
      const database = new Database(path)
      return { store: sqliteStore(database), close: async () => void database.close() }
    },
  },
]

/** Every record's expiry, by id. */
async function readAll({ ledger }: Store): Promise<Map<string, number>> {
  const held = new Map<string, number>()
  for await (const page of ledger.read(null)) {
    for (const record of page.records) if (record.kind !== 'everything') held.set(record.id, record.expiresAt)
  }
  return held
}

/** What a worker has printed as acknowledged: each id with the latest expiry. */
function acknowledged(worker: StoreWorker): [id: string, expiresAt: number][] {
  return worker
    .lines()
    .filter((line) => line !== 'ready')
    .map((line) => {
      const [id = '', expiresAt] = line.split(' ')
      return [id, Number(expiresAt)]
    })
}

function lostOf(acks: Iterable<[string, number]>, held: ReadonlyMap<string, number>): [string, number][] {
  return [...acks].filter(([id, expiresAt]) => (held.get(id) ?? 0) < expiresAt)
}

describe('a process killed at any moment', () => {
  beforeAll(buildLibrary, TIMEOUT_MS)

  for (const { kind, open } of kinds) {
    it(
      `loses no acknowledged revocation over ${KILLS} kills: ${kind} (seed ${SEED})`,
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
        const path = join(folder, 'store')
        const random = createRandom(SEED)
        const start = (round: number) =>
          Array.from({ length: AT_ONCE }, (_, n) =>
            startStoreWorker(kind, path, 'revoke', `r${round}-${n}`, `${round}`),
          )
        /** What must be there to the end. */
        const kept = new Map<string, number>()
        let workers = start(1)
        let kills = 0
        let total = 0
        for (let round = 1; kills < KILLS; round += 1) {
          // The next ones load their code while these work.
          const next = kills + AT_ONCE < KILLS ? start(round + 1) : []
          await Promise.all(
            workers.map(async (worker) => {
              await worker.printed('ready')
              worker.tell()
              await sleep(random.below(LONGEST_LIFE_MS))
              worker.child.kill('SIGKILL')
              equal(await worker.ended, 'SIGKILL')
              kills += 1
            }),
          )
          const { store, close } = open(path)
          const held = await readAll(store)
          const acks = workers.flatMap(acknowledged)
          deepEqual(lostOf(acks, held), [], `round ${round}`)
          for (const [id, expiresAt] of acks) if (expiresAt > NOW + KILLS + 1) kept.set(id, expiresAt)
          total += acks.length
          // The others are forgotten, so that there is something to compact.
          await store.ledger.prune(NOW + round + 1, Number.MAX_SAFE_INTEGER)
          await close()
          workers = next
        }
        const { store, close } = open(path)
        deepEqual(lostOf(kept, await readAll(store)), [])
        await close()
        ok(total > KILLS && kept.size > 10, `only ${total} revocations were acknowledged`)
        const newest = Math.max(...readdirSync(folder).map((name) => Number(/^store\.(\d+)$/.exec(name)?.[1] ?? 0)))
        ok(kind !== 'file' || newest > 1, 'the log was never compacted')
        rmSync(folder, { recursive: true })
      },
      TIMEOUT_MS,
    )
  }
})
