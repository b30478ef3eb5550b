import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type NginxServer, startNginx } from '../../../tools/servers/nginx.mjs'
import { registerWithCookies } from './support/cookie-session.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, type RunningApp, startApp } from './support/start-app.ts'

const EXAMPLE = join(import.meta.dirname, '../../../examples/forward-auth/nginx.conf')

let app: RunningApp
let behind: Server
let nginx: NginxServer
let received: IncomingMessage[] = []

const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeAll(async () => {
  app = await startApp()
  behind = createServer((request, response) => {
    received.push(request)
    response.end('the application')
  })
  behind.listen(0, '127.0.0.1')
  await once(behind, 'listening')
  nginx = await startNginx(configFor({ rescind: app.port, application: portOf(behind) }))
}, 60_000)
afterAll(async () => {
  await nginx?.stop()
  behind?.close()
  await app?.close()
})
beforeEach(() => {
  received = []
})

/** The example as it is in the repository, with other addresses. */
function configFor({ rescind, application }: { rescind: number; application: number }): string {
  const replaced = (text: string, from: string, to: string) => {
    expect(text.split(from).length).toBe(from === '127.0.0.1:8080' ? 2 : 3)
    return text.replaceAll(from, to)
  }
  const example = readFileSync(EXAMPLE, 'utf8')
  const listening = replaced(example, '127.0.0.1:8080', 'LISTEN')
  return replaced(
    replaced(listening, '127.0.0.1:3000', `127.0.0.1:${rescind}`),
    '127.0.0.1:8000',
    `127.0.0.1:${application}`,
  )
}

/** All the values of a header that the application got, in whatever spelling. */
function valuesOf(name: string): string[] {
  const pairs = received.flatMap(({ rawHeaders }) => rawHeaders)
  return pairs.filter((_, at) => at % 2 === 1 && pairs[at - 1]?.toLowerCase().replaceAll('_', '-') === name)
}

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${nginx.url}/orders?page=2`, { method, headers })

describe('behind nginx', () => {
  it('the application hears who it is, and no token', async () => {
    const { access_token, session_id, user } = await app.register()
    const answer = await get(bearer(access_token))
    expect([answer.status, await answer.text()]).toEqual([200, 'the application'])
    expect(received.map(({ url }) => url)).toEqual(['/orders?page=2'])
    expect(valuesOf('x-auth-subject')).toEqual([user.id])
    expect(valuesOf('x-auth-session')).toEqual([session_id])
    const claims = JSON.parse(Buffer.from(valuesOf('x-auth-claims')[0] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: user.id, sid: session_id })
    expect(valuesOf('authorization')).toEqual([])
  })

  it('a refusal is the client’s, with its challenge, and the application hears nothing', async () => {
    const { access_token } = await app.register()
    const missing = await get()
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect((await get(bearer('no-token'))).status).toBe(401)
    expect((await app.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
    const dead = await get(bearer(access_token))
    expect(dead.status).toBe(401)
    expect(dead.headers.get('www-authenticate')).toContain('invalid_token')
    expect(received).toEqual([])
  })

  it('what a client sends by the names of our headers never reaches the application', async () => {
    const { access_token, user } = await app.register()
    const smuggled = [
      'X-Auth-Subject: root',
      'x-auth-subject: root',
      'X_Auth_Subject: root',
      'X-Auth-Session: root',
      'X-Auth-Claims: root',
      'Connection: close, X-Auth-Subject',
    ]
    const request = (lines: readonly string[]) => `GET / HTTP/1.1\r\nHost: x\r\n${lines.join('\r\n')}\r\n\r\n`
    const passed = await sendRaw(nginx.port, request([...smuggled, `Authorization: Bearer ${access_token}`]))
    expect(passed).toMatch(/^HTTP\/1\.1 200 /)
    expect(valuesOf('x-auth-subject')).toEqual([user.id])
    expect(received.flatMap(({ rawHeaders }) => rawHeaders)).not.toContain('root')
    received = []
    expect(await sendRaw(nginx.port, request(smuggled))).toMatch(/^HTTP\/1\.1 401 /)
    const two = [`Authorization: Bearer ${access_token}`, 'Authorization: Bearer x.y.z', 'Connection: close']
    expect(await sendRaw(nginx.port, request(two))).toMatch(/^HTTP\/1\.1 40[01] /)
    expect(received).toEqual([])
  })

  it('a cookie changes nothing without its CSRF token, whatever method the client names', async () => {
    const { cookie, csrf } = await registerWithCookies(app)
    expect((await get({ cookie })).status).toBe(200)
    expect((await get({ cookie, 'x-csrf-token': csrf }, 'POST')).status).toBe(200)
    received = []
    expect((await get({ cookie }, 'POST')).status).toBe(403)
    expect((await get({ cookie, 'x-forwarded-method': 'GET' }, 'DELETE')).status).toBe(403)
    expect(received).toEqual([])
  })

  it('bodies pass to the application, and not to the question', async () => {
    const { access_token } = await app.register()
    const body = 'x'.repeat(200_000)
    const answer = await fetch(nginx.url, { method: 'POST', headers: bearer(access_token), body })
    expect(answer.status).toBe(200)
    expect(received[0]?.headers['content-length']).toBe('200000')
  })

  it('nobody passes, and all are told to come again, while there is no answer', async () => {
    const gone = createServer()
    gone.listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const port = portOf(gone)
    gone.close()
    const alone = await startNginx(configFor({ rescind: port, application: portOf(behind) }))
    try {
      const answer = await fetch(alone.url, { headers: bearer('any') })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect(received).toEqual([])
    } finally {
      await alone.stop()
    }
  })
})
