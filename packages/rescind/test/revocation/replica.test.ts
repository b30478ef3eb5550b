import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createRescind, type Ledger, type Rescind, type RescindOptions, type Store } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createFakeClock, eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, requestWith, verdict } from '../session/helpers.ts'

/** The memory store as another process would meet it, behind a line that a test can cut. */
function remoteStore(): { store: Store; line: { cut: boolean; silent: boolean } } {
  const inner = memoryStore()
  const line = { cut: false, silent: false }
  const throughLine = async <T>(work: () => Promise<T>): Promise<T> => {
    if (line.cut) throw new Error('connection refused')
    return line.silent ? new Promise<T>(() => {}) : work()
  }
  const ledger: Ledger = {
    ...inner.ledger,
    append: (records) => throughLine(() => inner.ledger.append(records)),
    find: (ids, nowMs) => throughLine(() => inner.ledger.find(ids, nowMs)),
    async *read(from) {
      await throughLine(async () => {})
      yield* inner.ledger.read(from)
    },
    follow: (from, sink, signal) => throughLine(() => inner.ledger.follow(from, sink, signal)),
  }
  return { store: { ...inner, ledger, guarantees: { durable: false, shared: true } }, line }
}

function open(options: Partial<RescindOptions>): { auth: Rescind; clock: ReturnType<typeof createFakeClock> } {
  const clock = createFakeClock()
  const auth = createRescind({ store: memoryStore(), keys, askTimeoutMs: 50, ...options, clock })
  onTestFinished(() => auth.close())
  return { auth, clock }
}

describe('the replica', () => {
  it('answers nothing before it has replayed the ledger', async () => {
    const { auth } = open({})
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(auth.status().state).toBe('catching-up')
    expect(await verdict(auth, accessToken)).toBe('revocation_unavailable')
    await auth.ready()
    expect(await verdict(auth, accessToken)).toBe('ok')
  })

  it('answers at once, without a promise, while it is live', async () => {
    const { auth } = open({})
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(auth.check(requestWith(accessToken))).not.toBeInstanceOf(Promise)
  })

  it('says so when the store cannot be replayed, and can be asked again', async () => {
    const { store, line } = remoteStore()
    line.cut = true
    const { auth } = open({ store })
    await expect(auth.ready()).rejects.toMatchObject({ code: 'revocation_unavailable' })
    line.cut = false
    await auth.ready()
    expect(auth.status().state).toBe('live')
  })

  it('asks the ledger once it may be too old, and refuses when the ledger is silent', async () => {
    const { store, line } = remoteStore()
    const { auth, clock } = open({ store })
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    clock.advance(2_001)
    expect(auth.status().state).toBe('stale')
    expect(auth.check(requestWith(accessToken))).toBeInstanceOf(Promise)
    expect(await verdict(auth, accessToken)).toBe('ok')
    // Recorded by someone else, who never told this replica.
    const { sid } = await auth.verify(accessToken)
    const record = { kind: 'session', id: sid ?? '', at: clock.now(), expiresAt: clock.now() + 900_000 } as const
    line.silent = true
    expect(await verdict(auth, accessToken)).toBe('revocation_unavailable')
    line.silent = false
    line.cut = true
    expect(await verdict(auth, accessToken)).toBe('revocation_unavailable')
    line.cut = false
    await store.ledger.append([record])
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
  })

  it('lets tokens pass unchecked only when told to, and says so', async () => {
    const { store, line } = remoteStore()
    const warnings: string[] = []
    const { auth, clock } = open({ store, onUnavailable: 'allow', onWarning: (message) => warnings.push(message) })
    await auth.ready()
    const live = await auth.issue({ sub: 'alice' })
    const dead = await auth.issue({ sub: 'alice' })
    await auth.revoke.session(dead.sid)
    clock.advance(2_001)
    line.cut = true
    expect(await verdict(auth, live.accessToken)).toBe('ok')
    expect(await verdict(auth, dead.accessToken)).toBe('token_revoked')
    expect(warnings.filter((warning) => warning.includes('unchecked'))).toHaveLength(1)
  })

  it('mode ask asks for every request', async () => {
    const { store, line } = remoteStore()
    const { auth } = open({ store, mode: 'ask' })
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('ok')
    line.cut = true
    expect(await verdict(auth, accessToken)).toBe('revocation_unavailable')
  })

  it('a revocation that the store did not take is an error, and kills nothing', async () => {
    const { store, line } = remoteStore()
    const { auth } = open({ store })
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const { jti } = await auth.verify(accessToken)
    line.cut = true
    await expect(auth.revoke.token({ jti })).rejects.toMatchObject({ code: 'revocation_unavailable' })
    line.cut = false
    expect(await verdict(auth, accessToken)).toBe('ok')
  })
})

describe('two processes over one SQLite file', () => {
  it('a revocation here is seen there, and after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const openNode = async () => {
      const database = new Database(join(folder, 'shared.db'))
      const auth = createRescind({ store: sqliteStore(database), keys })
      onTestFinished(async () => {
        await auth.close()
        database.close()
      })
      await auth.ready()
      return auth
    }
    const [one, two] = [await openNode(), await openNode()]
    const { accessToken, sid } = await one.issue({ sub: 'alice' })
    expect(await verdict(two, accessToken)).toBe('ok')
    await one.revoke.session(sid)
    expect(await verdict(one, accessToken)).toBe('token_revoked')
    await eventually(async () => (await verdict(two, accessToken)) === 'token_revoked')
    expect(await verdict(await openNode(), accessToken)).toBe('token_revoked')
  })
})
