import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FeedSink, Position } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { eventually } from 'rescind/testing'
import { beforeAll, describe, it } from 'vitest'
import { buildLibrary } from '../support/build.ts'
import { startStoreWorker } from '../support/store-workers.ts'

const PROCESSES = 3
const RECORDS = 600
const TIMEOUT_MS = 120_000

describe('several processes at one log', () => {
  beforeAll(buildLibrary, TIMEOUT_MS)

  it(
    'append at once while it is compacted, and all see the same records, each once',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
      const path = join(folder, 'log')
      const seen: string[] = []
      const store = fileStore(path, { compactBytes: 1_000_000_000 })
      let position: Position | null = null
      for await (const page of store.ledger.read(null)) position = page.position
      const ending = new AbortController()
      const sink: FeedSink = {
        now: () => performance.now(),
        records: (page) => seen.push(...page.records.map((record) => (record.kind === 'token' ? record.id : ''))),
        current: () => {},
      }
      const following = store.ledger.follow(position ?? '', sink, ending.signal)

      const names = Array.from({ length: PROCESSES }, (_, n) => `p${n}`)
      const workers = names.map((name) => startStoreWorker('file', path, 'append', name, `${RECORDS}`))
      await Promise.all(workers.map((worker) => worker.printed('ready')))
      for (const worker of workers) worker.tell()
      await Promise.all(workers.map((worker) => worker.printed('appended')))
      for (const worker of workers) worker.tell()
      deepEqual(
        await Promise.all(workers.map((worker) => worker.ended)),
        names.map(() => 0),
      )

      await eventually(() => seen.length >= PROCESSES * RECORDS)
      ending.abort()
      await following
      const expected = names.flatMap((name) => Array.from({ length: RECORDS }, (_, n) => `${name}-${n}`))
      deepEqual([...seen].sort(), [...expected].sort())
      for (const worker of workers) deepEqual(JSON.parse(worker.lines().at(-1) ?? ''), seen)
      const files = readdirSync(folder)
      equal(files.length, 1)
      ok(Number(files[0]?.split('.')[1]) > 3, 'the log was hardly ever compacted')
      await store.close()
      rmSync(folder, { recursive: true })
    },
    TIMEOUT_MS,
  )
})
