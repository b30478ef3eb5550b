import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { Agent } from 'node:http'
import type { CheckOptions } from '../session/check-options.ts'
import type { Principal } from '../session/principal.ts'
import { requestErrors } from '../wire.ts'
import { faultFixtures } from './adapters/fault-fixtures.ts'
import { type AdapterFixture, cookieHeader, withAccess, withCookie } from './adapters/fixture.ts'
import { placeFixtures } from './adapters/place-fixtures.ts'
import { type RawRequest, type RawResponse, sendRaw } from './adapters/raw-http.ts'
import { tokenFixtures } from './adapters/token-fixtures.ts'
import { type AdapterWorld, type AnyGuard, openWorld, type ShownPrincipal } from './adapters/world.ts'
import type { TestRunner } from './runner.ts'

/** What an adapter under test serves: one route, at `/`, for every method. */
export interface GuardedRoute {
  readonly guard: AnyGuard
  /** What the route asks of the token: for the adapter's guard. */
  readonly options: CheckOptions
  /**
   * The handler. Its answer is to be sent with status 200 and these `Set-Cookie` values, the body as JSON. It may reject:
   * then the framework answers.
   */
  handle(
    principal: Principal<unknown> | null,
    body: unknown,
  ): Promise<{ readonly setCookies: string[]; readonly body: object }>
}

/** One adapter under test. */
export interface AdapterUnderTest {
  readonly name: string
  /** Starts a server on a free port of 127.0.0.1, with parsers for JSON and forms. */
  serve(route: GuardedRoute): Promise<{ readonly origin: string; close(): Promise<void> }>
}

/** A world with a server in it. */
interface Served extends AdapterWorld {
  /** What the handler does; its cookies. */
  act: () => string[] | Promise<string[]>
  send(request: RawRequest): Promise<RawResponse>
}

/**
 * Defines the tests that every adapter passes: what comes of each kind of request, over HTTP.
 *
 * @example
 * ```ts
 * import { describe, it } from 'vitest'
 * describeAdapter({ describe, it }, { name: 'express', serve: serveWithExpress })
 * ```
 */
export function describeAdapter(runner: TestRunner, subject: AdapterUnderTest): void {
  const test = (name: string, fixture: Omit<AdapterFixture, 'name' | 'request' | 'expected'>, body: Body) => {
    runner.it(name, async () => {
      const world = await openWorld(fixture.settings)
      const served: Served = { ...world, act: () => [], send: (request) => sendRaw(app.origin, request) }
      const app = await subject.serve({
        guard: fixture.guard?.(world) ?? world.auth,
        options: fixture.options ?? {},
        handle: async (principal, body) => ({
          setCookies: await served.act(),
          body: { principal: shown(principal), note: noteIn(body) },
        }),
      })
      try {
        await fixture.before?.(world)
        await body(served)
      } finally {
        await app.close()
        await world.close()
      }
    })
  }

  runner.describe(`adapter conformance: ${subject.name}`, () => {
    for (const fixture of [...tokenFixtures, ...placeFixtures, ...faultFixtures]) {
      test(fixture.name, fixture, async (served) => {
        const request = fixture.request(served)
        checkResponse(await served.send(request), fixture.expected, request.method === 'HEAD')
      })
    }
    describeConnections(test)
    describeRenewal(test)
  })
}

type Body = (served: Served) => Promise<void>
type Define = (name: string, fixture: Omit<AdapterFixture, 'name' | 'request' | 'expected'>, body: Body) => void

function describeConnections(test: Define): void {
  test('a token that is revoked between two requests of one connection', {}, async (served) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const request = { ...withAccess(served), agent }
      equal((await served.send(request)).status, 200)
      await served.auth.revoke.session(served.alice.sid)
      const response = await served.send(request)
      ok(response.reused)
      checkResponse(response, { code: 'token_revoked' }, false)
    } finally {
      agent.destroy()
    }
  })

  test('a handler that throws is answered, and the next request as well', {}, async (served) => {
    served.act = () => {
      throw new Error('of the handler')
    }
    equal((await served.send(withAccess(served))).status, 500)
    served.act = () => []
    equal((await served.send(withAccess(served))).status, 200)
  })
}

function describeRenewal(test: Define): void {
  const settings = { locations: ['cookie', 'header'], implicitRefreshSeconds: 600 } as const
  const nearItsEnd = { settings, before: ({ clock }: AdapterWorld) => clock.advance(400_000) }

  test('a cookie near its end is renewed, and the cookies of the route stay', nearItsEnd, async (served) => {
    served.act = () => ['theme=dark', 'lang=en']
    const response = await served.send(withCookie(served))
    checkResponse(response, { principal: { sub: 'alice' } }, false)
    deepEqual(response.setCookies.slice(0, 2), ['theme=dark', 'lang=en'])
    const successor = /^__Host-access_token=([^;]+);/.exec(response.setCookies[2] ?? '')?.[1] ?? ''
    match(response.setCookies[3] ?? '', /^__Host-csrf_access_token=/)
    equal(response.setCookies.length, 4)
    served.act = () => []
    served.clock.advance(501_000)
    checkResponse(await served.send(withCookie(served)), { code: 'token_expired' }, false)
    const renewed = await served.send({ headers: [cookieHeader({ ...served.alice, accessToken: successor })] })
    equal(renewed.status, 200)
  })

  test('a cookie near its end is renewed on HEAD', nearItsEnd, async (served) => {
    const response = await served.send({ ...withCookie(served), method: 'HEAD' })
    equal(response.status, 200)
    equal(response.setCookies.length, 2)
  })

  test('a cookie that the route sets or clears itself is not renewed', nearItsEnd, async (served) => {
    for (const cookies of [served.auth.cookies.setAccess(served.bob.accessToken), served.auth.cookies.unset()]) {
      served.act = () => [...cookies]
      deepEqual((await served.send(withCookie(served))).setCookies, cookies)
    }
  })

  test('a session that the route ends is not renewed', nearItsEnd, async (served) => {
    served.act = async () => {
      await served.auth.revoke.session(served.alice.sid)
      return []
    }
    const response = await served.send(withCookie(served))
    equal(response.status, 200)
    deepEqual(response.setCookies, [])
  })

  test('a cookie far from its end is not renewed, nor is a token in the header', { settings }, async (served) => {
    deepEqual((await served.send(withCookie(served))).setCookies, [])
    served.clock.advance(400_000)
    deepEqual((await served.send(withAccess(served))).setCookies, [])
  })
}

function shown(principal: Principal<unknown> | null): ShownPrincipal | null {
  if (principal === null) return null
  const { sub, type, fresh, location, user } = principal
  return { sub, type, fresh, location, user }
}

function noteIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, 'note') : undefined
}

function checkResponse(response: RawResponse, expected: AdapterFixture['expected'], isHead: boolean): void {
  const { status, headers, text } = response
  const body: unknown = isHead ? null : JSON.parse(text)
  if (isHead) equal(text, '')
  if ('principal' in expected) {
    equal(status, 200, text)
    if (!isHead) checkPrincipal(body, expected)
    return
  }
  ok(!text.includes('a secret of the program'))
  if ('answer' in expected) {
    const { answer } = expected
    equal(status, answer.status)
    deepEqual(body, answer.body)
    for (const [name, value] of Object.entries(answer.headers)) equal(headers[name]?.split('; charset')[0], value)
    return
  }
  const { code, challenge = 'Bearer' } = expected
  equal(status, requestErrors[code].status, text)
  equal(headers['content-type']?.split(';')[0], 'application/problem+json')
  equal(headers['cache-control'], 'no-store')
  if (!isHead) equal(Reflect.get(Object(body), 'code'), code)
  const isChallenged = status === 401 && code !== 'invalid_credentials'
  equal(headers['www-authenticate']?.startsWith('Bearer') ?? false, isChallenged)
  if (isChallenged) ok(headers['www-authenticate']?.includes(challenge))
  equal(headers['retry-after'] !== undefined, status === 429 || status === 503)
}

function checkPrincipal(
  body: unknown,
  { principal, note }: { readonly principal: Partial<ShownPrincipal> | null; readonly note?: string },
): void {
  const told = Object(body)
  equal(told.note, note)
  if (principal === null) {
    equal(told.principal, null)
    return
  }
  ok(told.principal !== null)
  for (const [name, value] of Object.entries(principal)) deepEqual(told.principal[name], value)
}
