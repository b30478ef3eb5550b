import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { describeStore } from 'rescind/testing'
import { describe, it } from 'vitest'

describeStore(
  { describe, it },
  { name: 'memory', open: async () => ({ store: memoryStore(), dispose: async () => {} }) },
)

describeStore(
  { describe, it },
  {
    name: 'SQLite',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'rescind-'))
      const databases: Database.Database[] = []
      const openFile = () => {
        const database = new Database(join(folder, 'test.db'))
        databases.push(database)
        return sqliteStore(database)
      }
      return {
        store: openFile(),
        reopen: async () => openFile(),
        async dispose() {
          for (const database of databases) database.close()
          await rm(folder, { recursive: true })
        },
      }
    },
  },
)
