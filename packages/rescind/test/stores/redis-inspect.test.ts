import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type RedisStoreOptions, redisStore } from 'rescind/stores/redis'
import { afterAll, describe, it } from 'vitest'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import { tokenRevocation } from './ledger-samples.ts'
import { connectTo } from './redis-helpers.ts'

const server = await startRedis({ persistence: 'aof' })
const client = await connectTo(server.url)
const older = await connectTo(server.url, { RESP: 2 })
afterAll(async () => {
  client.destroy()
  older.destroy()
  await server.dispose()
})

const settings = {
  maxmemory: '0',
  'maxmemory-policy': 'noeviction',
  save: '',
  appendonly: 'yes',
  appendfsync: 'always',
}

/** What the store says of a server with these settings; both protocols must lead to the same. */
async function inspected(
  changes: Partial<typeof settings>,
  options: RedisStoreOptions = {},
): Promise<readonly string[]> {
  for (const [name, value] of Object.entries({ ...settings, ...changes })) await client.configSet(name, value)
  const answers = await Promise.all(
    [client, older].map((each) => redisStore(each, options).inspect?.() ?? Promise.resolve(['no inspection'])),
  )
  deepEqual(answers[0], answers[1])
  return answers[0] ?? []
}

describe('what the Redis store says of its server', () => {
  it('has nothing to say of one that keeps every write', async () => {
    deepEqual(await inspected({}), [])
  })

  it('refuses one that drops keys when its memory is full, unless told to accept it', async () => {
    const evicting = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' }
    await rejects(inspected(evicting), { code: 'invalid_config', message: /allkeys-lru.*noeviction/ })
    const warnings = await inspected(evicting, { allowEviction: true })
    equal(warnings.length, 1)
    match(warnings[0] ?? '', /drops revocations/)
    deepEqual(await inspected({ maxmemory: '100mb' }), [])
  })

  it('warns of a policy that would drop keys once there is a limit', async () => {
    const warnings = await inspected({ 'maxmemory-policy': 'volatile-ttl' })
    equal(warnings.length, 1)
    match(warnings[0] ?? '', /once a maxmemory is set/)
  })

  it('warns of what a crash or a restart would forget', async () => {
    const cases: [changes: Partial<typeof settings>, expected: RegExp][] = [
      [{ appendfsync: 'everysec' }, /one second/],
      [{ appendfsync: 'no' }, /power cut/],
      [{ appendonly: 'no', save: '3600 1' }, /snapshots only/],
      [{ appendonly: 'no' }, /does not persist/],
    ]
    for (const [changes, expected] of cases) {
      const warnings = await inspected(changes)
      equal(warnings.length, 1)
      match(warnings[0] ?? '', expected)
    }
  })

  it('says of one that holds a copy only that it is empty after every restart, where it is', async () => {
    const copy = { copyOf: 'the archive' }
    for (const changes of [{}, { appendfsync: 'no' }, { appendonly: 'no', save: '3600 1' }]) {
      deepEqual(await inspected(changes, copy), [])
    }
    const warnings = await inspected({ appendonly: 'no' }, copy)
    equal(warnings.length, 1)
    match(warnings[0] ?? '', /forgets this copy of the revocations.*written again from the archive/)
    const evicting = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' }
    await rejects(inspected(evicting, copy), { code: 'invalid_config', message: /allkeys-lru.*noeviction/ })
  })

  it('says what it could not check where CONFIG is forbidden, as on managed servers', async () => {
    await inspected({})
    const user = `user-${randomUUID()}`
    await client.sendCommand(['ACL', 'SETUSER', user, 'on', 'nopass', '~*', '+@all', '-config'])
    const managed = await connectTo(server.url)
    await managed.sendCommand(['AUTH', user, 'any'])
    const warnings = await redisStore(managed).inspect?.()
    managed.destroy()
    equal(warnings?.length, 1)
    match(warnings?.[0] ?? '', /could not be checked/)
  })

  it('refuses waitAof where it cannot be kept', async () => {
    const [known] = (await older.sendCommand(['COMMAND', 'INFO', 'WAITAOF'])) as unknown[]
    if (known === null) {
      await rejects(inspected({}, { waitAof: {} }), { code: 'invalid_config', message: /7\.2/ })
    } else {
      deepEqual(await inspected({}, { waitAof: {} }), [])
      await redisStore(client, { waitAof: {} }).ledger.append([tokenRevocation('on disk')])
      await rejects(inspected({ appendonly: 'no' }, { waitAof: {} }), { code: 'invalid_config', message: /appendonly/ })
    }
  })
})
