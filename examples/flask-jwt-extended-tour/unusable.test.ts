import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeLifecycle } from '../support/lifecycle.ts'
import { runToEnd, startExample } from '../support/process.ts'
import { forge, msg, STARTING_MS, startTour, type Tour } from './tour.ts'

const NAME = 'flask-jwt-extended-tour'
const HS256 = { alg: 'HS256', typ: 'JWT' }
const WRONG = msg(401, 'Bad username or password')

describe('what nobody should send', () => {
  let tour: Tour
  beforeAll(async () => {
    tour = await startTour()
  }, STARTING_MS)
  afterAll(async () => {
    await tour.stop()
  })

  it('is no user name and no password', async () => {
    const right = { username: 'admin', password: '123456' }
    const wrong = [
      { ...right, password: 123_456 },
      { ...right, password: ['123456'] },
      { ...right, password: { toString: 1 } },
      { ...right, password: null },
      { ...right, username: ['admin'] },
      { ...right, username: { toString: 1 } },
      {},
      [],
      null,
    ]
    for (const json of wrong) {
      for (const path of ['/login', '/login_with_cookies', '/login_linked']) {
        expect(await tour.ask(`POST ${path}`, { json }), `${path} ${JSON.stringify(json)}`).toEqual(WRONG)
      }
    }
  })

  it('is no login with cookies: only a request without any body is one', async () => {
    const app = await startExample(NAME, {})
    onTestFinished(async () => {
      await app.stop()
    })
    const bodies = {
      'application/json': '{"username":"admin"',
      'text/plain': '{"username":"admin","password":"123456"}',
    }
    for (const [type, json] of Object.entries(bodies)) {
      expect(await app.call('POST /login_with_cookies', { json, headers: { 'content-type': type } })).toEqual(WRONG)
    }
    const empty = { headers: { 'content-type': 'application/json' } }
    expect((await app.call('POST /login_with_cookies', empty)).status).toBe(200)
    expect((await app.call('POST /login_with_cookies')).status).toBe(200)
  })

  it('is a token to be revoked that has no id', async () => {
    const noId = msg(422, 'Missing claim: jti')
    const nameless = forge(HS256, { sub: 'user', type: 'access' })
    expect(await tour.ask('DELETE /logout', { token: nameless })).toEqual(noId)
    const { access, refresh } = await tour.logIn()
    expect(await tour.ask('DELETE /logout_both', { token: nameless, json: { refresh_token: refresh } })).toEqual(noId)
    expect(await tour.ask('DELETE /logout_both', { token: access, json: { refresh_token: nameless } })).toEqual(noId)
    expect(await tour.ask('DELETE /logout_linked', { token: access })).toEqual(msg(422, 'Missing claim: refresh_jti'))
    for (const refresh_jti of [1, '', 'a\0b', 'x'.repeat(5_000)]) {
      const token = await tour.mint({ identity: 'user', claims: { refresh_jti } })
      expect(await tour.ask('DELETE /logout_linked', { token })).toEqual(msg(422, 'Missing claim: refresh_jti'))
      expect((await tour.ask('GET /protected', { token })).status).toBe(200)
    }
    expect((await tour.ask('GET /protected', { token: access })).status).toBe(200)
    expect((await tour.ask('POST /refresh', { token: refresh })).status).toBe(200)
  })

  it('is an order for a token, or a token to decode', async () => {
    const orders = [
      undefined,
      null,
      [],
      'text',
      {},
      { identity: 'a', type: 'other' },
      { identity: 'a', expires_delta: 'soon' },
      { identity: 'a', expires_delta: 1e300 },
      { identity: 'a', fresh_for: '5' },
      { identity: 'a', claims: [] },
      { identity: 'a', headers: { alg: 'none' } },
      { identity: 'a', headers: { kid: 1 } },
    ]
    for (const json of orders) {
      const { status, body } = await tour.ask('POST /mint', { json })
      expect([json, status, body]).toEqual([json, 400, { error: expect.any(String) }])
    }
    const token = await tour.mint({ identity: 'a', type: null, fresh: null, expires_delta: null, claims: null })
    expect((await tour.ask('POST /decode', { json: { token, csrf_value: null } })).status).toBe(200)
    for (const json of [undefined, null, [], {}, { token: 1 }, { token, csrf_value: 1 }, { token, csrf_value: {} }]) {
      const { status, body } = await tour.ask('POST /decode', { json })
      expect([json, status, body]).toEqual([json, 400, { error: expect.any(String) }])
    }
  })

  it('is answered in the shape of all answers', async () => {
    expect(await tour.ask('GET /nothing')).toEqual(msg(404, 'Not Found'))
    expect(await tour.ask('GET /%ff')).toEqual({ status: 400, body: { msg: expect.any(String) } })
    const json = { username: 'x'.repeat(2_000_000) }
    expect(await tour.ask('POST /login', { json })).toEqual({ status: 413, body: { msg: expect.any(String) } })
  })

  it('is a token that is denied, by anything that Python takes for true', async () => {
    const statusOf = async (deny: unknown) =>
      (await tour.ask('GET /protected', { token: await tour.mint({ identity: 'a', claims: { deny } }) })).status
    for (const deny of [true, 1, -1, 'yes', 'false', [0], { a: 0 }])
      expect([deny, await statusOf(deny)]).toEqual([deny, 400])
    for (const deny of [false, 0, '', null, [], {}]) expect([deny, await statusOf(deny)]).toEqual([deny, 200])
  })
})

it('says in the log why it answered 500, and never tells a token', async () => {
  const app = await startExample(NAME, { LOADERS: 'claims' })
  onTestFinished(async () => {
    await app.stop()
  })
  const identity = { toString: 1 }
  const { status, body } = await app.call('POST /mint', { json: { identity } })
  expect([status, body]).toEqual([500, { msg: 'Internal Server Error' }])
  expect(app.output()).toContain('Cannot convert object to primitive value')
})

describeLifecycle(NAME, () => ({}))

it('does not start with a JWT_CONFIG that is no object, nor with a loader that does not exist', async () => {
  for (const JWT_CONFIG of ['{', '[]', '"text"', '1', 'null']) {
    const { code, output } = await runToEnd(NAME, 'main.mjs', { PORT: '0', JWT_CONFIG })
    expect([JWT_CONFIG, code, output]).toEqual([
      JWT_CONFIG,
      1,
      expect.stringContaining('JWT_CONFIG must be a JSON object'),
    ])
  }
  const { code, output } = await runToEnd(NAME, 'main.mjs', { PORT: '0', LOADERS: 'lookup,toString' })
  expect([code, output]).toEqual([1, expect.stringContaining('LOADERS names toString')])
})
