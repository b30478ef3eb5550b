import { deepEqual, equal, ok } from 'node:assert/strict'
import type { FeedSink, Position, Store } from 'rescind'
import { type FileSystemLike, fileStore } from 'rescind/stores/file'
import { eventually } from 'rescind/testing'
import { describe, it } from 'vitest'
import { createRandom } from '../support/random.ts'
import { createSimulatedDisk } from './file-disk.ts'
import { revocation } from './file-workload.ts'

const NOW = 1_700_000_000_000
const token = { jti: 't1', sid: undefined, sub: undefined, iatMs: NOW }

/** The same files; `after` is told of each write to an open log, and each sync waits for `before`. */
function watched(fileSystem: FileSystemLike, after: () => void, before: () => Promise<void>): FileSystemLike {
  return {
    ...fileSystem,
    async openLog(path) {
      const file = await fileSystem.openLog(path)
      if (file === null) return null
      return {
        ...file,
        async write(bytes, position) {
          const written = await file.write(bytes, position)
          after()
          return written
        },
        async datasync() {
          await before()
          await file.datasync()
        },
      }
    },
  }
}

async function readAll({ ledger }: Store): Promise<string[]> {
  const ids: string[] = []
  for await (const page of ledger.read(null)) {
    for (const record of page.records) ids.push(record.kind === 'everything' ? '*' : record.id)
  }
  return ids
}

/** Resolves when a follower is told of something. */
async function followUntilTold({ ledger }: Store, from: Position): Promise<void> {
  const ending = new AbortController()
  const sink: FeedSink = { now: () => 0, records: () => ending.abort(), current: () => {} }
  await ledger.follow(from, sink, ending.signal)
}

describe('the file store answers only what a power cut cannot take back', () => {
  const verbs: Record<string, (store: Store, start: Position) => Promise<unknown>> = {
    find: async (store) => ok((await store.ledger.find(token, NOW)) !== null),
    read: async (store) => deepEqual(await readAll(store), ['t1']),
    follow: (store, start) => followUntilTold(store, start),
    append: (store) => store.ledger.append([revocation('t1')]),
  }
  for (const [name, verb] of Object.entries(verbs)) {
    it(`${name}, though another process wrote it and has not synced it yet`, async () => {
      const disk = createSimulatedDisk(createRandom(1))
      const fileSystem = disk.boot()
      const reader = fileStore('/data/log', { fileSystem })
      const start = await reader.ledger.append([])
      let writes = 0
      const onWrite = () => {
        writes += 1
      }
      const stuck = watched(fileSystem, onWrite, () => new Promise<void>(() => {}))
      void fileStore('/data/log', { fileSystem: stuck }).ledger.append([revocation('t1')])
      await eventually(() => writes > 0)
      await verb(reader, start)
      disk.cutPower('nothing')
      const survivor = fileStore('/data/log', { fileSystem: disk.boot() })
      deepEqual(await readAll(survivor), ['t1'])
      await survivor.close()
    })
  }

  it('a write, though somebody takes the log away just then', async () => {
    const disk = createSimulatedDisk(createRandom(1))
    const fileSystem = disk.boot()
    let writes = 0
    const onWrite = () => {
      writes += 1
      if (writes === 2) void fileSystem.unlink('/data/log.1')
    }
    const store = fileStore('/data/log', { fileSystem: watched(fileSystem, onWrite, async () => {}) })
    await store.ledger.append([revocation('t0')])
    await store.ledger.append([revocation('t1')])
    disk.cutPower('nothing')
    const survivor = fileStore('/data/log', { fileSystem: disk.boot() })
    deepEqual(await readAll(survivor), ['t1'])
    await survivor.close()
  })

  it('what is asked for at the same time shares one write and one sync', async () => {
    const calls: string[] = []
    const fileSystem = createSimulatedDisk(createRandom(1)).boot()
    const told = watched(
      fileSystem,
      () => calls.push('write'),
      async () => void calls.push('sync'),
    )
    const store = fileStore('/data/log', { fileSystem: told })
    await store.ledger.generation()
    calls.length = 0
    const appends = Array.from({ length: 50 }, (_, n) => store.ledger.append([revocation(`t${n}`)]))
    const finds = Array.from({ length: 50 }, (_, n) => store.ledger.find({ ...token, jti: `t${n}` }, NOW))
    equal(new Set(await Promise.all(appends)).size, 50)
    ok((await Promise.all(finds)).every((found) => found !== null))
    deepEqual(calls, ['write', 'sync'])
    await store.close()
  })
})
