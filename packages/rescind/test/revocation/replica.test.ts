import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createRescind, type Ledger, type Rescind, RescindError, type RescindOptions, type Store } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createFakeClock, eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, requestWith, verdict } from '../session/helpers.ts'

/** The memory store as another process would meet it, behind a line that a test can cut, and with a history it can lose. */
function remoteStore() {
  let inner = memoryStore()
  let lost = new AbortController()
  const line = { cut: false, silent: false, feedCut: false, asked: 0 }
  const throughLine = async <T>(work: () => Promise<T>): Promise<T> => {
    if (line.cut) throw new Error('connection refused')
    return line.silent ? new Promise<T>(() => {}) : work()
  }
  const throughFeed = async <T>(work: () => Promise<T>): Promise<T> => {
    if (line.feedCut) throw new Error('the feed is down')
    return throughLine(work)
  }
  const ledger: Ledger = {
    append: (records) => throughLine(() => inner.ledger.append(records)),
    find: (ids, nowMs) => {
      line.asked += 1
      return throughLine(() => inner.ledger.find(ids, nowMs))
    },
    async *read(from) {
      await throughFeed(async () => {})
      yield* inner.ledger.read(from)
    },
    follow: (from, sink, signal) =>
      throughFeed(async () => {
        const over = AbortSignal.any([signal, lost.signal])
        await inner.ledger.follow(from, sink, over)
        if (lost.signal.aborted) throw lost.signal.reason
      }),
    prune: (nowMs, limit) => throughLine(() => inner.ledger.prune(nowMs, limit)),
    generation: () => inner.ledger.generation(),
  }
  const store: Store = {
    ledger,
    get sessions() {
      return inner.sessions
    },
    guarantees: { durable: false, shared: true },
    close: async () => {},
  }
  const loseHistory = () => {
    const before = lost
    inner = memoryStore()
    lost = new AbortController()
    before.abort(new RescindError('history_lost', 'emptied'))
  }
  return { store, line, loseHistory }
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
    line.feedCut = true
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
    line.cut = true
    clock.advance(2_001)
    expect(await verdict(auth, live.accessToken)).toBe('ok')
    expect(await verdict(auth, dead.accessToken)).toBe('token_revoked')
    expect(warnings.filter((warning) => warning.includes('unchecked'))).toHaveLength(1)
    expect(auth.status().uncheckedTokens).toBe(1)
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

describe('the states of a replica', () => {
  it('are told as they change, and their numbers can be read', async () => {
    const { store, line } = remoteStore()
    const { auth, clock } = open({ store })
    const states: string[] = []
    const stop = auth.onStateChange((state) => states.push(state))
    expect(auth.status()).toMatchObject({ state: 'catching-up', lagMs: Number.POSITIVE_INFINITY, position: null })
    await auth.ready()
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    await auth.revoke.session(sid)
    expect(auth.status()).toMatchObject({ state: 'live', liveRecords: 1, pendingWrites: 0 })
    await eventually(() => auth.status().position !== null)
    line.cut = true
    clock.advance(2_001)
    await eventually(() => auth.status().state === 'unavailable')
    expect(auth.status().lagMs).toBe(2_001)
    // Dead is dead, whatever the state.
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
    line.cut = false
    await eventually(() => auth.status().state === 'live')
    expect(auth.status().feedReopened).toBeGreaterThan(0)
    expect(states.filter((state, n) => state !== states[n - 1])).toEqual(states)
    expect([states[0], states.at(-1)]).toEqual(['live', 'live'])
    expect(states).toContain('unavailable')
    stop()
    line.cut = true
    const told = states.length
    clock.advance(2_001)
    await eventually(() => auth.status().state === 'unavailable')
    expect(states).toHaveLength(told)
  })

  it('a listener that throws breaks nothing, and the others are told', async () => {
    const { auth } = open({})
    const states: string[] = []
    auth.onStateChange(() => {
      throw new Error('a mistake of the listener')
    })
    auth.onStateChange((state) => states.push(state))
    await auth.ready()
    expect(states).toEqual(['live'])
    expect(auth.status().feedReopened).toBe(0)
  })

  it('a feed that falls silent without an error is reopened', async () => {
    const { store, line } = remoteStore()
    const warnings: string[] = []
    const { auth, clock } = open({ store, onWarning: (message) => warnings.push(message) })
    await auth.ready()
    line.silent = true
    await eventually(() => {
      clock.advance(100)
      return warnings.some((warning) => warning.includes('silent'))
    })
    line.silent = false
    // An attempt that hangs in a line that was silent when it was made is given up as well.
    await eventually(() => {
      clock.advance(10)
      return auth.status().state === 'live'
    })
  })

  it('more questions than the ledger can answer in time are refused at once', async () => {
    const { store, line } = remoteStore()
    const { auth, clock } = open({ store, askTimeoutMs: 5_000 })
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    line.feedCut = true
    line.silent = true
    clock.advance(2_001)
    const asked = Array.from({ length: 1_000 }, () => verdict(auth, accessToken))
    expect(await verdict(auth, accessToken)).toBe('revocation_unavailable')
    expect(line.asked).toBe(1_000)
    expect(asked).toHaveLength(1_000)
  })
})

describe('a ledger that lost its history', () => {
  it('gets it back from a replica, and what is dead stays dead everywhere', async () => {
    const { store, loseHistory } = remoteStore()
    const warnings: string[] = []
    const { auth, clock } = open({ store, onWarning: (message) => warnings.push(message) })
    await auth.ready()
    const byKind = await Promise.all(['t', 's', 'u', 'v', 'e'].map((sub) => auth.issue({ sub })))
    const [token, session, subject, kept] = byKind
    if (!token || !session || !subject || !kept) throw new Error('not issued')
    const { jti } = await auth.verify(token.accessToken)
    await auth.revoke.token({ jti }, { by: 'admin', reason: 'a test' })
    await auth.revoke.session(session.sid)
    await auth.revoke.subject('u')
    const other = await auth.issue({ sub: 'v' })
    await auth.revoke.subject('v', { except: kept.sid })
    await auth.revoke.session('a foreign id, 日本')
    loseHistory()
    await eventually(async () => (await store.ledger.find({ jti, sid: '', sub: '', iatMs: 0 }, clock.now())) !== null)
    await eventually(() => warnings.some((warning) => warning.includes('lost history')))
    // A process that starts only now learns all of it from the ledger.
    const { auth: late } = open({ store })
    await late.ready()
    for (const { accessToken } of [token, session, subject, other]) {
      expect(await verdict(auth, accessToken)).toBe('token_revoked')
      expect(await verdict(late, accessToken)).toBe('token_revoked')
    }
    for (const { accessToken } of [kept, ...byKind.slice(4)]) expect(await verdict(late, accessToken)).toBe('ok')
    const foreign = await store.ledger.find({ jti: '', sid: 'a foreign id, 日本', sub: '', iatMs: 0 }, clock.now())
    expect(foreign).toMatchObject({ kind: 'session', id: 'a foreign id, 日本' })
    expect(auth.status().state).toBe('live')
    // And it goes on.
    await late.revoke.session(kept.sid)
    await eventually(async () => (await verdict(auth, kept.accessToken)) === 'token_revoked')
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
