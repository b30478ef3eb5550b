// A process of its own that uses a store, for the tests to kill, or to run beside others.
//   node store-worker.mjs <file|sqlite> <path> <what it does> <its name> <a number>
// Waits for a line on its input before it opens the store.
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const NOW = 1_700_000_000_000
const CALLERS = 16
const COMPACT_BYTES = 8_192

const [kind, path, task, name, number] = process.argv.slice(2)

/** Opens the store that is asked for. */
const open = {
  async file() {
    const { fileStore } = await import('../../dist/stores/file.js')
    return () => fileStore(path, { compactBytes: COMPACT_BYTES })
  },
  async sqlite() {
    const { default: Database } = await import('better-sqlite3')
    const { sqliteStore } = await import('../../dist/stores/sqlite.js')
    return () => sqliteStore(new Database(path))
  },
}

const tasks = {
  /**
   * Revokes without end, from many callers at once, and prints each record acknowledged. The records expire at NOW +
   * number, but for every tenth, which is kept; every other one is recorded once more with a later expiry.
   */
  async revoke({ ledger }) {
    const append = async (id, expiresAt) => {
      await ledger.append([{ kind: 'token', id, at: NOW, expiresAt, reason: 'logout' }])
      process.stdout.write(`${id} ${expiresAt}\n`)
    }
    const call = async (caller) => {
      for (let n = 0; ; n += 1) {
        const expiresAt = NOW + Number(number) + (n % 10 === 0 ? 1_000_000 : 0)
        await append(`${name}-${caller}-${n}`, expiresAt)
        if (n % 2 === 0) await append(`${name}-${caller}-${n}`, expiresAt + 1)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)))
  },

  /**
   * Appends `number` records while it follows the ledger, beside two others that do the same, and prints what it has
   * seen in the end. Logins that are swept away again make the log worth compacting.
   */
  async append({ ledger, sessions }) {
    const seen = []
    const ending = new AbortController()
    let provedAt = 0
    const take = (page) => seen.push(...page.records.map((record) => record.id))
    const follow = async () => {
      let position = null
      for await (const page of ledger.read(null)) {
        take(page)
        position = page.position
      }
      const current = (askedAt) => {
        provedAt = askedAt
      }
      await ledger.follow(position, { records: take, now: () => performance.now(), current }, ending.signal)
    }
    const following = follow()
    let next = 0
    const call = async () => {
      for (let n = next++; n < Number(number); n = next++) {
        const id = `${name}-${n}`
        await ledger.append([{ kind: 'token', id, at: NOW, expiresAt: NOW + 1_000_000 }])
        const times = { createdAtMs: NOW, lastUsedAtMs: NOW, expiresAtMs: NOW + 1, endsAtMs: NOW + 1 }
        await sessions.start([{ sid: id, sub: name, ...times, ip: null, userAgent: null, refreshHash: id }])
        if (n % 50 === 0) await sessions.sweep(NOW + 1, 1_000)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, call))
    process.stdout.write('appended\n')
    // The next line comes when the others are done as well; what is proved current after that is complete.
    await nextLine()
    const doneAt = performance.now()
    while (provedAt < doneAt) await new Promise((resolve) => setTimeout(resolve, 5))
    ending.abort()
    await following
    process.stdout.write(`${JSON.stringify(seen)}\n`)
  },
}

const lines = createInterface({ input: process.stdin })
const nextLine = () => once(lines, 'line')
const openStore = await open[kind]()
process.stdout.write('ready\n')
await nextLine()
const store = openStore()
await tasks[task](store)
await store.close()
lines.close()
