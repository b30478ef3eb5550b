// A process of its own that opens new databases, each at the same moment as others do.
//   node sqlite-opener.mjs <path> <how many> <when to begin, in milliseconds since the epoch>
import Database from 'better-sqlite3'
import { sqliteStore } from '../../dist/stores/sqlite.js'

const STEP_MS = 15
const [path, count, beginAt] = process.argv.slice(2)

for (let n = 0; n < Number(count); n += 1) {
  // To the very moment: a timer would be late by more than the race is long.
  while (Date.now() < Number(beginAt) + n * STEP_MS);
  const database = new Database(`${path}-${n}`)
  sqliteStore(database)
  database.close()
}
process.stdout.write('done')
