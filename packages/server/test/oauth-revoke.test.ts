import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createKeyRing, createRescind, generateKey, type Rescind, systemClock } from 'rescind'
import { eventually } from 'rescind/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { type FollowedKeyRing, followKeys } from '../src/followed-key-ring.ts'
import { openBackends } from '../src/open-backends.ts'
import { createKeySealing } from '../src/services/key-sealing.ts'
import { createKeys, type Keys } from '../src/services/keys.ts'
import { type RunningApp, startApp } from './support/start-app.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const HOUR_MS = 3_600_000
const sealing = createKeySealing(randomBytes(32))

let directory: string
let app: RunningApp
let reads: number
/** What the reads wait for. */
let held: Promise<unknown>
/** Where the application has its keys from, and nothing else. */
let keysOfApp: Backends
/** Another instance on the same database. */
let others: Backends
let keys: Keys
const ends: (() => unknown)[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-revoke-'))
  ends.push(() => rmSync(directory, { recursive: true, force: true }))
  const open = () => openBackends(readConfig({ DATA_DIR: directory }), () => {})
  others = await open()
  keysOfApp = await open()
  keys = keysOver(others)
  await keys.begin(() => generateKey('EdDSA'))
  reads = 0
  held = Promise.resolve()
  const known = keysOver(keysOfApp)
  const counted = async () => {
    reads += 1
    await held
    return known.read()
  }
  app = await startApp({ settings: { DATA_DIR: directory }, signing: await follow({ ...known, read: counted }) })
  ends.push(
    () => others.close(),
    () => keysOfApp.close(),
    () => app.close(),
  )
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function keysOver({ database }: Backends): Keys {
  const rules = { alg: 'EdDSA', clock: systemClock, newId: () => 'unused', maxTokenTtlMs: HOUR_MS } as const
  return createKeys({ database, sealing, ...rules })
}

/** It never looks for new keys by itself. */
async function follow(followed: Keys): Promise<FollowedKeyRing> {
  const rules = { clock: systemClock, onWarning: () => {}, intervalMs: HOUR_MS, restMs: 100 }
  const ring = await followKeys({ keys: followed, sealing, ...rules })
  ends.push(() => ring.close())
  return ring
}

/** Another instance, with what keys there are by now. */
async function otherInstance(aheadMs = 0): Promise<Rescind> {
  const clock: Clock = { now: () => Date.now() + aheadMs, monotonic: () => systemClock.monotonic() }
  const auth = createRescind({ store: others.store, keys: (await follow(keys)).keys, clock })
  ends.push(() => auth.close())
  await auth.ready()
  return auth
}

function strangerInstance(): Rescind {
  const auth = createRescind({ store: others.store, keys: createKeyRing({ active: generateKey('EdDSA') }) })
  ends.push(() => auth.close())
  return auth
}

async function newKeyAtOnce(): Promise<void> {
  const signing = (await keys.list()).find(({ state }) => state === 'signing')
  await keys.retire(signing?.kid ?? '')
}

const revoke = (token: string) => app.post('/oauth/revoke', new URLSearchParams({ token }).toString(), FORM)
const statusOf = async (token: string) => (await app.get('/auth/status', token)).status
const refusal = (auth: Rescind, token: string) =>
  auth.verify(token, { type: 'any' }).then(
    () => null,
    ({ code }: { code: string }) => code,
  )

describe('a token of an instance whose clock is ahead', () => {
  it('is revoked although it is not accepted here yet', async () => {
    const ahead = await otherInstance(HOUR_MS)
    const { accessToken, refreshToken, sid } = await ahead.issue({ sub: 'alice' })
    expect(await statusOf(accessToken)).toBe(401)
    expect((await revoke(accessToken)).status).toBe(200)
    await eventually(async () => (await refusal(ahead, accessToken)) === 'token_revoked')
    expect(await refusal(ahead, refreshToken)).toBeNull()
    expect((await revoke(refreshToken)).status).toBe(200)
    await eventually(async () => (await refusal(ahead, refreshToken)) === 'token_revoked')
    expect(await ahead.sessions.get(sid)).toBeNull()
  })

  it('is not where nobody of ours has signed it', async () => {
    const ahead = await otherInstance(HOUR_MS)
    const { accessToken } = await ahead.issue({ sub: 'alice' })
    const [head, body] = accessToken.split('.')
    const stranger = generateKey('EdDSA')
    const forged = `${head}.${body}.${await stranger.sign(`${head}.${body}`)}`
    expect((await revoke(forged)).status).toBe(200)
    const { jti } = await ahead.verify(accessToken)
    expect(await others.store.ledger.find({ jti, sid: undefined, sub: 'alice', iatMs: 0 }, Date.now())).toBeNull()
  })

  it('is not said to be revoked where it would outlive the record', async () => {
    const farAhead = await otherInstance(48 * HOUR_MS)
    const { refreshToken } = await farAhead.issue({ sub: 'alice' })
    const answer = await revoke(refreshToken)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
  })
})

describe('a key that another instance has made', () => {
  it('is heard of by the first of its tokens', async () => {
    const { user } = await app.register()
    await newKeyAtOnce()
    const other = await otherInstance()
    const one = await other.issue({ sub: user.id })
    // All of them are here before the first of them has been answered.
    let arrived = 0
    held = new Promise<void>((resolve) => {
      app.server.server.on('request', () => {
        arrived += 1
        if (arrived === 3) setImmediate(resolve)
      })
    })
    const statuses = await Promise.all([one.accessToken, one.accessToken, one.accessToken].map(statusOf))
    expect(statuses).toEqual([200, 200, 200])
    expect(reads).toBe(2)
  })

  it('signs what can be refreshed and revoked at once', async () => {
    const { user } = await app.register()
    await newKeyAtOnce()
    const other = await otherInstance()
    const first = await other.issue({ sub: user.id })
    expect((await app.post('/auth/refresh', { refresh_token: first.refreshToken })).status).toBe(200)
    await newKeyAtOnce()
    const another = await otherInstance()
    const second = await another.issue({ sub: user.id })
    expect((await revoke(second.refreshToken)).status).toBe(200)
    await eventually(async () => (await refusal(another, second.accessToken)) === 'token_revoked')
  })

  it('is waited for rather than that a token is called revoked which is not', async () => {
    const { user } = await app.register()
    const forger = strangerInstance()
    expect(await statusOf(await forger.mint({ sub: user.id, type: 'access' }))).toBe(401)
    expect(reads).toBe(2)
    await newKeyAtOnce()
    const other = await otherInstance()
    const { accessToken, refreshToken } = await other.issue({ sub: user.id })
    expect((await revoke(refreshToken)).status).toBe(200)
    await eventually(async () => (await refusal(other, accessToken)) === 'token_revoked')
  })

  it('is not looked for at every word of a stranger', async () => {
    const forger = strangerInstance()
    const forged = Array.from({ length: 60 }, () => forger.mint({ sub: 'alice', type: 'access' }))
    const tokens = await Promise.all(forged)
    const answers = await Promise.all(tokens.map(revoke))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(reads).toBeLessThan(15)
  })

  it('is not taken for a stranger’s while the keys cannot be read', async () => {
    await newKeyAtOnce()
    const other = await otherInstance()
    const { accessToken } = await other.issue({ sub: 'alice' })
    await keysOfApp.close()
    const answer = await revoke(accessToken)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await statusOf(accessToken)).toBe(401)
    expect((await revoke('x.y.z')).status).toBe(200)
  })
})
