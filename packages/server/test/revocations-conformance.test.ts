import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Store } from 'rescind'
import { httpStore } from 'rescind/stores/http'
import { sqliteStore } from 'rescind/stores/sqlite'
import { describeStore } from 'rescind/testing'
import { describe, it } from 'vitest'
import { SERVICE_TOKEN, startFeedApp } from './support/feed-app.ts'

// What is written goes to the store itself, what is read comes through the service: a record that the protocol lost,
// moved or changed on its way would be noticed as if the store had done it.
describeStore(
  // One of the tests asks some thousands of questions, each of them a request here.
  { describe, it: (name, body) => it(name, body, 60_000) },
  {
    name: 'http, over sqlite',
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'rescind-feed-'))
      const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
      const openDatabase = () => {
        const database = new Database(join(folder, 'test.db'))
        ends.unshift(() => database.close())
        return sqliteStore(database)
      }
      const openThroughHttp = async (): Promise<Store> => {
        const behind = openDatabase()
        const service = await startFeedApp(openDatabase().ledger)
        const remote = httpStore(service.url, { token: SERVICE_TOKEN })
        ends.unshift(
          () => service.end(),
          () => remote.close(),
        )
        const { append, prune } = behind.ledger
        const { read, follow, find, generation } = remote.ledger
        return { ...behind, ledger: { append, prune, read, follow, find, generation } }
      }
      return {
        store: await openThroughHttp(),
        reopen: openThroughHttp,
        async dispose() {
          for (const end of ends) await end()
        },
      }
    },
  },
)
