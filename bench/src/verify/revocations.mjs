import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteStore } from 'rescind/stores/sqlite'

const PAGE = 1_000
const LIFE_MS = 3_600_000

/**
 * Calls `work` with the place of a SQLite database that holds so many live revocations, of tokens that nobody shows. Not a
 * memory or file store: their records would fill the heap that is measured, beside the index of them that is always there,
 * and keep the collector busy.
 */
export async function withRevocations(count, work) {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-bench-'))
  try {
    const place = join(folder, 'rescind.db')
    const { store, close } = openStore(place)
    for (let n = 0; n < count; n += PAGE) {
      const at = Date.now()
      await store.ledger.append(
        Array.from({ length: PAGE }, () => ({ kind: 'token', id: randomUUID(), at, expiresAt: at + LIFE_MS })),
      )
    }
    close()
    await work(place)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The store at a place, and how to close it. */
export function openStore(place) {
  const database = new Database(place)
  return { store: sqliteStore(database), close: () => database.close() }
}
