import { describe, expect, it } from 'vitest'
import { operations } from '../src/openapi/operations.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'
import { SERVICE_TOKEN } from './support/feed-app.ts'
import { callOf, type OperationCall, send } from './support/operation-calls.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, PASSWORD, type StartOptions } from './support/start-app.ts'

async function withLog(
  options: StartOptions & { level: string },
  work: (app: DocumentedApp) => Promise<void>,
): Promise<string[]> {
  const { level, ...others } = options
  const lines: string[] = []
  const app = await documentedApp({ ...others, log: { level, stream: { write: (line) => lines.push(line) } } })
  try {
    await work(app)
  } finally {
    await app.close()
  }
  return lines
}

/** Everything in a text that opens a door: fields that hold a secret, and whatever looks like a token. */
function secretsIn(text: string): string[] {
  const jwts = text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []
  const cookies = [...text.matchAll(/(?:__Host-|__Secure-)?\w*token=([^;\s"]{16,})/g)].map(([, value = '']) => value)
  // The signature alone would do, so each part is looked for; the first is the same for all tokens.
  return [...jwts.flatMap((jwt) => jwt.split('.').slice(1)), ...cookies]
}

function secretsOf({ body = {}, headers = {} }: OperationCall): string[] {
  const named = ['password', 'current_password', 'new_password', 'token', 'refresh_token', 'client_secret']
  const fields = named.map((name) => body[name]).filter((value) => typeof value === 'string')
  const credentials = Object.values(headers).flatMap((value) => /^(?:Basic|Bearer) (.{16,})$/.exec(value)?.[1] ?? [])
  return [...fields.filter((field) => !field.includes('.')), ...secretsIn(JSON.stringify(body)), ...credentials]
}

const withoutBody = ({ body: _body, ...call }: OperationCall): OperationCall => call

describe.each(['debug', 'trace'])('the log at level %s', (level) => {
  it('holds no password, no token, no secret and no mailed link (A31)', async () => {
    const secrets = new Set([PASSWORD, SERVICE_TOKEN, 'canary-7f3a'])
    const lines = await withLog({ level }, async (app) => {
      secrets.add(app.clientAuthorization.slice('Basic '.length))
      secrets.add(atob(app.clientAuthorization.slice('Basic '.length)).split(':')[1] ?? '')
      for (const operation of operations) {
        const call = await callOf(operation, app)
        const tried: readonly OperationCall[] = [
          call,
          // A second time: most of it is used up by now.
          call,
          { ...call, headers: { ...call.headers, 'token-delivery': 'cookie' } },
          { ...call, headers: { ...call.headers, authorization: 'Bearer canary-7f3a' } },
          { ...call, headers: { ...call.headers, cookie: '__Host-access_token=canary-7f3a; csrf_token=canary-7f3a' } },
          { ...call, body: { ...call.body, password: 'canary-7f3a', token: 'canary-7f3a', 'canary-7f3a': 1 } },
          { ...call, path: `${call.path ?? operation.path}?token=canary-7f3a` },
        ]
        for (const one of tried) {
          for (const secret of secretsOf(one)) secrets.add(secret)
          const answer = await send(app, operation, operation.method === 'get' ? withoutBody(one) : one)
          const seen = `${await answer.text()} ${[...answer.headers].map(([name, value]) => `${name}: ${value}`).join(' ')}`
          for (const secret of secretsIn(seen)) secrets.add(secret)
        }
      }
      for (const { text } of app.mailServer.mails) {
        for (const [, secret = ''] of text.matchAll(/[?#&=/]([\w-]{43,})/g)) secrets.add(secret)
      }
      await sendRaw(app.port, 'GET /%zzcanary-7f3a HTTP/1.1\r\nHost: canary-7f3a\r\nConnection: close\r\n\r\n')
      await sendRaw(app.port, 'canary-7f3a\r\nAuthorization: Bearer canary-7f3a\r\n\r\n')
    })
    const log = lines.join('')
    expect(lines.length).toBeGreaterThan(100)
    expect(secrets.size).toBeGreaterThan(50)
    expect([...secrets].filter((secret) => secret.length < 8)).toEqual([])
    expect([...secrets].filter((secret) => log.includes(secret))).toEqual([])
  })
})

const LINE_ENDS = [
  '\n',
  '\r',
  '\r\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\v',
  '\f',
  '\0',
  '\u001b[2K',
  '\b',
  '\t',
  '%0a',
  '%0d%0a',
  '\\n',
]
const LINES = [
  'level":30,"msg":"FORGED"}',
  '{"level":30,"time":1,"msg":"FORGED"}',
  '"}\n{"level":30,"msg":"FORGED"}',
  '\u001b]0;FORGED\u0007',
]
const PAYLOADS = LINE_ENDS.flatMap((end) => LINES.map((line) => `x${end}${line}`))

describe('what a client writes', () => {
  it('makes no line of the log, and none of another header (A32)', async () => {
    expect(PAYLOADS.length).toBeGreaterThanOrEqual(50)
    const split: string[] = []
    const settings = { TRUST_PROXY: '127.0.0.1' }
    const lines = await withLog({ level: 'trace', settings }, async (app) => {
      const { access_token } = await app.register()
      for (const payload of PAYLOADS) {
        const encoded = encodeURIComponent(payload)
        const raw = Buffer.from(payload).toString('latin1')
        await app.post('/auth/login', { email: payload, password: payload, [payload]: 1 })
        await app.post('/auth/login', `{"email":"${payload}`)
        await fetch(`${app.url}/auth/sessions/${encoded}?x=${encoded}`, {
          method: 'DELETE',
          headers: bearer(access_token),
        })
        await fetch(`${app.url}/${encoded}`)
        for (const name of [
          'User-Agent',
          'X-Forwarded-For',
          'Referer',
          'X-Request-Id',
          'Content-Type',
          'Authorization',
        ]) {
          const head = `GET /auth/status?${encoded} HTTP/1.1\r\nHost: x\r\n${name}: ${raw}\r\nConnection: close\r\n\r\n`
          split.push(await sendRaw(app.port, head))
        }
        await sendRaw(app.port, `GET ${raw} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        await sendRaw(app.port, `${raw}\r\n\r\n`)
      }
    })
    expect(lines.length).toBeGreaterThan(PAYLOADS.length)
    for (const line of lines) {
      // One line of JSON each time, and no character that a terminal would act on.
      expect(line).toMatch(/^\{[^\p{Cc}\u2028\u2029]*\}\n$/u)
      const entry = JSON.parse(line) as { msg?: unknown }
      expect(entry.msg ?? '').not.toContain('FORGED')
    }
    for (const answer of split) {
      const [head = ''] = answer.split('\r\n\r\n')
      expect(head).not.toContain('FORGED')
    }
  })
})
