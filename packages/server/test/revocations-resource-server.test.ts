import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import {
  type Algorithm,
  createKey,
  createKeyRing,
  createRescind,
  type FeedSink,
  generateKey,
  type Ledger,
  type Rescind,
  type RescindOptions,
} from 'rescind'
import { httpStore } from 'rescind/stores/http'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createTcpProxy, eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bearer, type FeedApp, type FeedAppOptions, SERVICE_TOKEN, startFeedApp } from './support/feed-app.ts'
import { directed } from './support/ledgers.ts'

const keys = createKeyRing({ active: generateKey('EdDSA') })

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-feed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

function openStore(folder: string) {
  const database = new Database(join(folder, 'test.db'))
  onTestFinished(() => {
    database.close()
  })
  return sqliteStore(database)
}

interface Service {
  readonly auth: Rescind
  readonly app: FeedApp
  logOut(accessToken: string): Promise<number>
  stop(): Promise<void>
}

/** The service that issues and revokes; `through` puts something between its feed and the ledger. */
async function startService(
  folder: string,
  { through = (ledger) => ledger, ...options }: FeedAppOptions & { through?: (ledger: Ledger) => Ledger } = {},
): Promise<Service> {
  const store = openStore(folder)
  const auth = createRescind({ store, keys })
  await auth.ready()
  const app = await startFeedApp(through(store.ledger), { auth, ...options })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= app.end().then(() => auth.close())
    return stopped
  }
  onTestFinished(stop)
  return {
    auth,
    app,
    logOut: async (token) => (await fetch(`${app.url}/auth/logout`, { method: 'POST', headers: bearer(token) })).status,
    stop,
  }
}

/** Another server, which knows the service's address, its public keys and the service token, and nothing more. */
async function startResourceServer(url: string, options: Partial<RescindOptions> = {}): Promise<Rescind> {
  const published = keys.jwks().keys.map((jwk) => createKey(jwk, { alg: jwk.alg as Algorithm }))
  const store = httpStore(url, { token: SERVICE_TOKEN })
  const auth = createRescind({
    store,
    keys: createKeyRing({ active: generateKey('EdDSA'), verifyOnly: published }),
    ...options,
  })
  onTestFinished(async () => {
    await auth.close()
    await store.close()
  })
  await auth.ready()
  return auth
}

async function verdict(auth: Rescind, token: string): Promise<string> {
  return auth.verify(token).then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

describe('a resource server', () => {
  it('refuses what was logged out at the service, and ends what is open', async () => {
    const service = await startService(newFolder())
    const before = await service.auth.issue({ sub: 'alice' })
    expect(await service.logOut(before.accessToken)).toBe(204)
    const resource = await startResourceServer(service.app.url)
    expect(await verdict(resource, before.accessToken)).toBe('token_revoked')

    const { accessToken } = await service.auth.issue({ sub: 'alice' })
    const neighbour = await service.auth.issue({ sub: 'alice' })
    const principal = await resource.verify(accessToken)
    expect(principal.revoked.aborted).toBe(false)
    expect(await service.logOut(accessToken)).toBe(204)
    await eventually(async () => (await verdict(resource, accessToken)) === 'token_revoked')
    expect(principal.revoked.aborted).toBe(true)
    expect(await verdict(resource, neighbour.accessToken)).toBe('ok')
    expect(resource.status()).toMatchObject({ state: 'live', feedReopened: 0 })
  })

  it('issues and revokes nothing itself', async () => {
    const service = await startService(newFolder())
    const resource = await startResourceServer(service.app.url)
    const { refreshToken } = await service.auth.issue({ sub: 'alice' })
    const config = { code: 'invalid_config' }
    await expect(resource.issue({ sub: 'alice' })).rejects.toMatchObject(config)
    await expect(resource.refresh(refreshToken)).rejects.toMatchObject(config)
    await expect(resource.revoke.session('s')).rejects.toMatchObject(config)
    await expect(resource.revoke.token({ jti: 'j' })).rejects.toMatchObject(config)
  })

  it('does not start with another token', async () => {
    const service = await startService(newFolder(), { serviceTokens: ['another-token-of-32-characters-00'] })
    await expect(startResourceServer(service.app.url)).rejects.toMatchObject({ code: 'invalid_config' })
  })

  it('goes on where it was when the service has been restarted', async () => {
    const folder = newFolder()
    const first = await startService(folder)
    const resource = await startResourceServer(first.app.url)
    const { accessToken, sid } = await first.auth.issue({ sub: 'alice' })
    const later = await first.auth.issue({ sub: 'alice' })
    await first.stop()
    const reads: (string | null)[] = []
    const noteReads = (ledger: Ledger): Ledger => ({
      ...ledger,
      read(from) {
        reads.push(from)
        return ledger.read(from)
      },
    })
    // Revoked while nobody listened.
    const meanwhile = createRescind({ store: openStore(folder), keys })
    await meanwhile.ready()
    await meanwhile.revoke.session(sid)
    await meanwhile.close()
    const place = resource.status().position
    const second = await startService(folder, { port: first.app.port, through: noteReads })
    await eventually(async () => (await verdict(resource, accessToken)) === 'token_revoked')
    expect(reads[0]).toBe(place)
    expect(reads).not.toContain(null)
    expect(await second.logOut(later.accessToken)).toBe(204)
    await eventually(async () => (await verdict(resource, later.accessToken)) === 'token_revoked')
    await eventually(() => resource.status().state === 'live')
  })

  it('reads anew when history was lost, keeps what it holds, and writes nothing', async () => {
    const [oldStore, newStore] = [openStore(newFolder()), openStore(newFolder())]
    const { ledger, replaceBy, breakDown } = directed(oldStore.ledger)
    const service = createRescind({ store: oldStore, keys })
    onTestFinished(() => service.close())
    await service.ready()
    const app = await startFeedApp(ledger)
    onTestFinished(() => app.end())
    const lost = await service.issue({ sub: 'alice' })
    const late = await service.issue({ sub: 'bob' })
    await service.revoke.session(lost.sid)
    const warnings: string[] = []
    const resource = await startResourceServer(app.url, { onWarning: (message) => warnings.push(message) })
    expect(await verdict(resource, lost.accessToken)).toBe('token_revoked')

    replaceBy(newStore.ledger)
    breakDown(true)
    breakDown(false)
    await eventually(() => warnings.some((warning) => warning.includes('lost history')))
    expect(await verdict(resource, lost.accessToken)).toBe('token_revoked')
    const at = Date.now()
    await newStore.ledger.append([{ kind: 'session', id: late.sid, at, expiresAt: at + 900_000 }])
    await eventually(async () => (await verdict(resource, late.accessToken)) === 'token_revoked')
    const held: unknown[] = []
    for await (const page of newStore.ledger.read(null)) held.push(...page.records)
    expect(held).toHaveLength(1)
  })

  it('asks about each token while the feed proves nothing', async () => {
    const folder = newFolder()
    let silent = false
    const service = await startService(folder, {
      through: (ledger) => ({
        ...ledger,
        async *read(from) {
          if (silent) await new Promise(() => {})
          yield* ledger.read(from)
        },
        follow: (from, sink, signal) =>
          ledger.follow(
            from,
            { ...sink, records() {}, current: (at) => (silent ? undefined : sink.current(at)) },
            signal,
          ),
      }),
    })
    const resource = await startResourceServer(service.app.url, { maxStalenessMs: 400, askTimeoutMs: 5_000 })
    const live = await service.auth.issue({ sub: 'alice' })
    const dead = await service.auth.issue({ sub: 'alice' })
    expect(await verdict(resource, dead.accessToken)).toBe('ok')
    silent = true
    await service.auth.revoke.session(dead.sid)
    await eventually(async () => (await verdict(resource, dead.accessToken)) === 'token_revoked')
    expect(resource.status()).toMatchObject({ liveRecords: 0 })
    expect(resource.status().state).not.toBe('live')
    expect(await verdict(resource, live.accessToken)).toBe('ok')
  })

  it('answers nothing it cannot know when the network swallows everything, and recovers by itself', async () => {
    const service = await startService(newFolder())
    const proxy = await createTcpProxy({ port: service.app.port })
    onTestFinished(() => proxy.close())
    const resource = await startResourceServer(`http://127.0.0.1:${proxy.port}`, { maxStalenessMs: 400 })
    const live = await service.auth.issue({ sub: 'alice' })
    const dead = await service.auth.issue({ sub: 'alice' })
    expect(await verdict(resource, live.accessToken)).toBe('ok')
    const states: string[] = []
    resource.onStateChange((state) => states.push(state))
    proxy.drop()
    await service.auth.revoke.session(dead.sid)
    await eventually(() => states.length > 0)
    for (const { accessToken } of [live, dead]) {
      expect(await verdict(resource, accessToken)).toBe('revocation_unavailable')
    }
    await eventually(() => resource.status().state === 'unavailable')
    expect(states).not.toContain('live')
    proxy.heal()
    await eventually(() => resource.status().state === 'live')
    expect(await verdict(resource, dead.accessToken)).toBe('token_revoked')
    expect(await verdict(resource, live.accessToken)).toBe('ok')
  })

  it('recovers every time, whatever was under way when the network failed', async () => {
    const service = await startService(newFolder())
    const proxy = await createTcpProxy({ port: service.app.port })
    onTestFinished(() => proxy.close())
    const resource = await startResourceServer(`http://127.0.0.1:${proxy.port}`, { maxStalenessMs: 400 })
    for (let round = 0; round < 10; round += 1) {
      if (round % 3 === 0) proxy.cut()
      else proxy.drop()
      await eventually(() => resource.status().state !== 'live')
      proxy.heal()
      await eventually(() => resource.status().state === 'live')
      const { accessToken, sid } = await service.auth.issue({ sub: 'alice' })
      await service.auth.revoke.session(sid)
      await eventually(async () => (await verdict(resource, accessToken)) === 'token_revoked')
    }
  })
})

describe('a proof', () => {
  it('never promises more than is so, however long it was on its way', async () => {
    const service = await startService(newFolder())
    const proxy = await createTcpProxy({ port: service.app.port })
    onTestFinished(() => proxy.close())
    const { ledger } = httpStore(`http://127.0.0.1:${proxy.port}`, { token: SERVICE_TOKEN })
    let position = ''
    for await (const page of ledger.read(null)) position = page.position

    const acknowledged: { id: string; at: number }[] = []
    const held = new Set<string>()
    const proofs: number[] = []
    const broken: unknown[] = []
    let oldest = 0
    const sink: FeedSink = {
      now: () => performance.now(),
      records: (page) => {
        for (const record of page.records) if (record.kind === 'session') held.add(record.id)
      },
      current(askedAt) {
        proofs.push(askedAt)
        oldest = Math.max(oldest, performance.now() - askedAt)
        for (const { id, at } of acknowledged) if (at < askedAt && !held.has(id)) broken.push({ id, at, askedAt })
      },
    }
    const ending = new AbortController()
    const following = ledger.follow(position, sink, ending.signal)
    for (let n = 0; proofs.length < 30 || oldest < 150; n += 1) {
      proxy.delay((n * 37) % 300)
      const { sid } = await service.auth.issue({ sub: 'alice' })
      await service.auth.revoke.session(sid)
      acknowledged.push({ id: sid, at: performance.now() })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    ending.abort()
    await following
    expect(broken).toEqual([])
    expect(held.size).toBeGreaterThan(10)
  })
})
