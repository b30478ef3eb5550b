import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRescind, generateKey, type Rescind, systemClock } from 'rescind'
import { createFakeClock, eventually } from 'rescind/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { type FollowedKeyRing, followKeys } from '../src/followed-key-ring.ts'
import { openBackends } from '../src/open-backends.ts'
import { openSigningKeys } from '../src/open-signing-keys.ts'
import { createKeySealing } from '../src/services/key-sealing.ts'
import { createKeys, type Keys } from '../src/services/keys.ts'
import { loadSigningKey } from '../src/signing-key.ts'
import { backendsUnderTest } from './support/backends.ts'
import { rescind } from './support/command-line.ts'

let directory: string
const ends: (() => unknown)[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-keys-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

const newSecret = () => randomBytes(32).toString('base64url')
const PUBLISHED_FOR_MS = 700
const TOKEN_TTL_SECONDS = 2
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

interface Instance {
  readonly auth: Rescind
  readonly keys: Keys
  readonly ring: FollowedKeyRing
}

async function open(env: Record<string, string>): Promise<Backends> {
  const backends = await openBackends(readConfig(env), () => {})
  ends.push(() => backends.close())
  return backends
}

/** What a service does with its keys, at a pace for tests. */
async function startInstance(env: Record<string, string>): Promise<Instance> {
  const { database, store } = await open(env)
  const sealing = createKeySealing(Buffer.from(env.KEY_ENCRYPTION_KEY ?? '', 'base64url'))
  const keys = createKeys({
    database,
    sealing,
    alg: 'EdDSA',
    clock: systemClock,
    newId: () => 'unused',
    maxTokenTtlMs: TOKEN_TTL_SECONDS * 1000,
    publishedForMs: PUBLISHED_FOR_MS,
  })
  await keys.begin(() => generateKey('EdDSA'))
  const ring = await followKeys({ keys, sealing, clock: systemClock, onWarning: () => {}, intervalMs: 50 })
  const auth = createRescind({ store, keys: ring.keys, accessTtlSeconds: TOKEN_TTL_SECONDS })
  ends.push(async () => {
    await auth.close()
    await ring.close()
  })
  await auth.ready()
  return { auth, keys, ring }
}

describe.each(backendsUnderTest.slice(0, 2))('signing keys over $name', ({ prepare }) => {
  const settings = prepare()
  const environment = async () => ({ DATA_DIR: directory, KEY_ENCRYPTION_KEY: newSecret(), ...(await settings()) })

  it('A23: take their turns under load in two instances, and no valid token is refused', async () => {
    const env = await environment()
    const [one, two] = [await startInstance(env), await startInstance(env)]
    const before = (await one.keys.list())[0]?.kid ?? ''
    expect(one.ring.keys.active?.kid).toBe(before)
    expect(two.ring.keys.active?.kid).toBe(before)

    let checked = 0
    const refused: unknown[] = []
    const signed = new Set<string>()
    let over = false
    const load = async (issuing: Instance, checking: Instance) => {
      for (let at = 0; !over; at += 1) {
        const token = await issuing.auth.mint({ sub: `user-${at}`, type: 'access' })
        signed.add(kidOf(token))
        await checking.auth.verify(token).catch((error: unknown) => refused.push(error))
        checked += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const running = [load(one, two), load(two, one), load(one, one)]
    const { kid: after, state } = await one.keys.rotate()
    expect(state).toBe('published')
    await expect(two.keys.rotate()).rejects.toMatchObject({ code: 'forbidden' })
    await eventually(() => [one, two].every(({ auth }) => auth.jwks().keys.some(({ kid }) => kid === after)))
    expect(one.ring.keys.active?.kid).toBe(before)
    expect(signed).toEqual(new Set([before]))
    await eventually(() => [one, two].every(({ ring }) => ring.keys.active?.kid === after))
    const enough = checked + 400
    await eventually(() => checked > enough)
    over = true
    await Promise.all(running)
    expect(refused).toEqual([])
    expect(signed).toEqual(new Set([before, after]))
    expect((await two.keys.list()).map(({ kid, state: now }) => [kid, now])).toEqual([
      [before, 'verifying'],
      [after, 'signing'],
    ])
  }, 60_000)

  it('are retired with all their tokens, and followed at once', async () => {
    const env = await environment()
    const [one, two] = [await startInstance(env), await startInstance(env)]
    const old = one.ring.keys.active?.kid ?? ''
    const pair = await one.auth.issue({ sub: 'alice' })
    await two.auth.verify(pair.accessToken)
    expect(await rescind(['keys', 'retire', old, '--yes'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
    await eventually(() => [one, two].every(({ ring }) => ring.keys.active?.kid !== old))
    for (const { auth } of [one, two]) {
      expect(auth.jwks().keys.map(({ kid }) => kid)).not.toContain(old)
      await expect(auth.verify(pair.accessToken)).rejects.toMatchObject({ code: expect.stringMatching(/^token_/) })
      await expect(auth.refresh(pair.refreshToken)).rejects.toMatchObject({ code: expect.stringMatching(/^token_/) })
      const ids = { jti: 'x', sid: pair.sid, sub: 'alice', iatMs: Date.now() - 5_000 }
      // The key is gone at once; the record comes with the feed.
      await eventually(() => auth.isRevoked(ids))
    }
    const next = await one.auth.issue({ sub: 'alice' })
    expect((await two.auth.verify(next.accessToken)).sub).toBe('alice')
    const again = await rescind(['keys', 'retire', old, '--yes'], env)
    expect(again).toEqual({ code: 1, stdout: '', stderr: 'rescind: There is no such key.\n' })
  })

  it('are managed by the command line, and made once by instances that start at once', async () => {
    const env = await environment()
    const config = readConfig(env)
    const databases = [await open(env), await open(env), await open(env)]
    const opened = await Promise.all(databases.map(({ database }) => openSigningKeys(config, database, () => {})))
    ends.push(() => Promise.all(opened.map((one) => one.close())))
    const kids = new Set(opened.map(({ keys }) => keys.active?.kid))
    expect(kids.size).toBe(1)
    const listed = await rescind(['keys', 'list', '--json'], env)
    expect(JSON.parse(listed.stdout)).toEqual([
      expect.objectContaining({ kid: [...kids][0], alg: 'EdDSA', state: 'signing', expires_at: null }),
    ])
    const rotated = await rescind(['keys', 'rotate', '--json'], env)
    const { kid, state, created_at, signs_from } = JSON.parse(rotated.stdout) as Record<string, string>
    expect(state).toBe('published')
    expect(Date.parse(signs_from ?? '') - Date.parse(created_at ?? '')).toBe(330_000)
    expect((await rescind(['keys', 'list'], env)).stdout).toMatch(new RegExp(`^${kid} +EdDSA +published `, 'm'))
    expect((await rescind(['keys', 'rotate'], env)).code).toBe(1)
  })

  it('are of no use to whoever has a copy of the database, and a wrong secret stops the start', async () => {
    const env = await environment()
    const config = readConfig(env)
    const { database } = await open(env)
    const first = await openSigningKeys(config, database, () => {})
    const d = String(first.keys.active?.privateJwk().d)
    await first.close()
    const records = await database.signingKeys.all()
    const copy = [JSON.stringify(records), ...readdirSync(directory).map((name) => readFileSync(join(directory, name)))]
    for (const part of copy) {
      for (const form of [d, Buffer.from(d, 'base64url')]) expect(part.includes(form as string)).toBe(false)
    }
    const wrong = readConfig({ ...env, KEY_ENCRYPTION_KEY: newSecret() })
    await expect(openSigningKeys(wrong, database, () => {})).rejects.toThrow(/^KEY_ENCRYPTION_KEY holds another key/)
    const none = readConfig({ ...env, KEY_ENCRYPTION_KEY: '' })
    await expect(openSigningKeys(none, database, () => {})).rejects.toThrow(/^KEY_ENCRYPTION_KEY is not set, but/)
    expect(existsSync(join(directory, 'signing-key.json'))).toBe(false)
    const [record] = records
    if (record === undefined) throw new Error('no key')
    const sealing = createKeySealing(Buffer.from(env.KEY_ENCRYPTION_KEY, 'base64url'))
    expect(sealing.open(record)).not.toBeNull()
    expect(sealing.open({ ...record, kid: 'another' })).toBeNull()
    expect(sealing.open({ ...record, alg: 'HS256' })).toBeNull()
    expect(sealing.open({ ...record, sealed: record.sealed.slice(0, 30) })).toBeNull()
  })
})

it.each(['EdDSA', 'HS256'])(
  'the %s key of a first start goes on in the database, and so do its tokens',
  async (alg) => {
    const env = { DATA_DIR: directory, SIGNING_ALG: alg }
    const { database, store } = await open(env)
    const before = await openSigningKeys(readConfig(env), database, () => {})
    const issuing = createRescind({ store, keys: before.keys })
    ends.push(() => issuing.close())
    const token = await issuing.mint({ sub: 'alice', type: 'access' })
    const warnings: string[] = []
    const sealed = readConfig({ ...env, KEY_ENCRYPTION_KEY: newSecret() })
    const after = await openSigningKeys(sealed, database, (message) => warnings.push(message))
    ends.push(() => after.close())
    const auth = createRescind({ store, keys: after.keys })
    ends.push(() => auth.close())
    await auth.ready()
    expect((await auth.verify(token)).sub).toBe('alice')
    expect(warnings).toEqual([expect.stringContaining('signing-key.json')])
    expect(loadSigningKey(readConfig(env)).privateJwk()).toMatchObject({ kty: expect.any(String) })
  },
)

it('a key verifies until its last token has expired, and is deleted then', async () => {
  const clock = createFakeClock()
  const { database } = await open({ DATA_DIR: directory })
  const sealing = createKeySealing(randomBytes(32))
  const ttl = 30 * 86_400_000
  const keys = createKeys({ database, sealing, alg: 'EdDSA', clock, newId: () => 'unused', maxTokenTtlMs: ttl })
  await keys.begin(() => generateKey('EdDSA'))
  const ring = await followKeys({ keys, sealing, clock, onWarning: () => {}, intervalMs: 60_000 })
  ends.push(() => ring.close())
  const states = async () => {
    await ring.refresh()
    return (await keys.list()).map(({ state }) => state)
  }
  const first = ring.keys.active?.kid
  await keys.rotate()
  expect(await states()).toEqual(['signing', 'published'])
  clock.advance(329_999)
  expect(await states()).toEqual(['signing', 'published'])
  expect(ring.keys.active?.kid).toBe(first)
  clock.advance(1)
  expect(await states()).toEqual(['verifying', 'signing'])
  expect(ring.keys.active?.kid).not.toBe(first)
  clock.advance(ttl + 59_999)
  expect(await states()).toEqual(['verifying', 'signing'])
  const { version } = ring.keys
  clock.advance(1)
  expect(await states()).toEqual(['signing'])
  expect(ring.keys.candidates('EdDSA', first)).toEqual([])
  expect(ring.keys.version).toBe(version + 1)
})

it('the keys go on as they were where their table holds more than a ring does', async () => {
  const { database } = await open({ DATA_DIR: directory })
  const sealing = createKeySealing(randomBytes(32))
  const rules = { alg: 'EdDSA', clock: systemClock, newId: () => 'unused', maxTokenTtlMs: 1_000_000 } as const
  const keys = createKeys({ database, sealing, ...rules })
  await keys.begin(() => generateKey('EdDSA'))
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const ring = await followKeys({ keys, sealing, clock: systemClock, onWarning, intervalMs: 60_000, restMs: 1 })
  ends.push(() => ring.close())
  const { kid } = ring.keys.active ?? {}
  const tooMany = Array.from({ length: 16 }, (_, at) => `key-${at}`)
  const times = { createdAtMs: Date.now(), signsFromMs: Date.now() + 9e9 }
  for (const name of tooMany) {
    const sealed = sealing.seal(name, generateKey('EdDSA'))
    await database.signingKeys.insert({ kid: name, alg: 'EdDSA', sealed, ...times })
  }
  // In the service nobody waits for it: were it to reject, the process would end.
  await ring.refresh()
  expect(ring.keys.active?.kid).toBe(kid)
  expect(warnings).toEqual([
    expect.stringMatching(/^the signing keys cannot be read: a key ring holds at most 16 keys/),
  ])
  await expect(ring.readAgain()).rejects.toMatchObject({ code: 'overloaded' })
  for (const name of tooMany) await database.signingKeys.delete(name)
  await ring.readAgain()
})

it('the keys go on as they were where somebody empties their table', async () => {
  const { database } = await open({ DATA_DIR: directory })
  const sealing = createKeySealing(randomBytes(32))
  const rules = { alg: 'EdDSA', clock: systemClock, newId: () => 'unused', maxTokenTtlMs: 1_000 } as const
  const keys = createKeys({ database, sealing, ...rules })
  await keys.begin(() => generateKey('EdDSA'))
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const ring = await followKeys({ keys, sealing, clock: systemClock, onWarning, intervalMs: 60_000 })
  ends.push(() => ring.close())
  const { kid } = ring.keys.active ?? {}
  await database.signingKeys.delete(kid ?? '')
  await ring.refresh()
  expect(ring.keys.active?.kid).toBe(kid)
  expect(warnings).toEqual(['the signing keys cannot be read: there are none'])
  await expect(ring.readAgain()).rejects.toMatchObject({ code: 'overloaded' })
})

describe('with another secret than that of the keys in the database', () => {
  it('no key is added and none is taken out, and a key of no use to anybody can be taken out again', async () => {
    const clock = createFakeClock()
    const { database } = await open({ DATA_DIR: directory })
    const sealing = createKeySealing(randomBytes(32))
    const common = { database, alg: 'EdDSA', clock, newId: () => 'unused', maxTokenTtlMs: 1_000 } as const
    const ours = createKeys({ ...common, sealing })
    const theirs = createKeys({ ...common, sealing: createKeySealing(randomBytes(32)) })
    await ours.begin(() => generateKey('EdDSA'))
    const ring = await followKeys({ keys: ours, sealing, clock, onWarning: () => {}, intervalMs: 60_000 })
    ends.push(() => ring.close())
    const first = ring.keys.active?.kid ?? ''
    for (const work of [() => theirs.rotate(), () => theirs.check(first), () => theirs.retire(first)]) {
      await expect(work()).rejects.toThrow('KEY_ENCRYPTION_KEY')
    }
    expect(await ours.list()).toHaveLength(1)

    // What an older version let in: nobody's hand is bound by it.
    const { kid } = await ours.rotate()
    const strange = {
      kid: 'strange',
      alg: 'EdDSA',
      sealed: 'AAAA',
      createdAtMs: clock.now(),
      signsFromMs: clock.now() + 9e9,
    }
    await database.signingKeys.insert(strange)
    await database.signingKeys.delete(kid)
    await ring.refresh()
    expect(ring.keys.candidates('EdDSA', kid)).toEqual([])
    await expect(ours.retire(first)).rejects.toThrow('KEY_ENCRYPTION_KEY')
    await ours.retire('strange')
    await ours.retire(first)
    await ring.refresh()
    expect(ring.keys.candidates('EdDSA', first)).toEqual([])
  })
})
