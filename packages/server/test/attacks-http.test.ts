import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { newEmail, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

let app: RunningApp
let mine: Tokens
let others: Tokens
beforeAll(async () => {
  app = await startApp({ requestTimeoutMs: 600 })
  mine = await app.register()
  others = await app.register()
})
afterAll(() => app.close())

const request = (line: string, headers: readonly string[], body = '') =>
  sendRaw(app.port, [line, 'Host: x', ...headers, 'Connection: close', '', body].join('\r\n'))

const isLive = async (token: string) => (await app.get('/auth/status', token)).status === 200

describe('headers that two readers may read in two ways', () => {
  it.each([
    ['two of them', (a: string, b: string) => [`Authorization: Bearer ${a}`, `Authorization: Bearer ${b}`]],
    ['one with two', (a: string, b: string) => [`Authorization: Bearer ${a}, Bearer ${b}`]],
    ['with a space before the colon', (a: string) => [`Authorization : Bearer ${a}`]],
    ['folded', (a: string) => ['Authorization: Bearer', ` ${a}`]],
    ['ended by a bare LF', (a: string) => [`X: y\nAuthorization: Bearer ${a}`]],
    ['ended by a bare CR', (a: string) => [`X: y\rAuthorization: Bearer ${a}`]],
    ['with a NUL', (a: string) => [`Authorization: Bearer ${a}\0`]],
  ])('let nobody in: Authorization %s', async (_how, headers) => {
    const answer = await request('GET /auth/status HTTP/1.1', headers(mine.access_token, others.access_token))
    expect(answer).toMatch(/^HTTP\/1.1 40[01] /)
    expect(answer).not.toContain(mine.user.email)
    expect(answer).not.toContain(others.user.email)
  })

  it('take the same token twice for one', async () => {
    const header = `Authorization: Bearer ${mine.access_token}`
    const answer = await request('GET /auth/status HTTP/1.1', [header, header])
    expect(answer).toMatch(/^HTTP\/1.1 (200|40[01]) /)
    expect(answer).not.toContain(others.user.email)
  })
})

describe('a request within a request', () => {
  // What a front that reads the length otherwise would forward as the body, and a back would take for the next request.
  const inner = () => `GET /auth/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${mine.access_token}\r\n\r\n`

  it.each([
    ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['both lengths, the other way', ['Transfer-Encoding: chunked', 'Content-Length: 400']],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 400']],
    ['a list of lengths', ['Content-Length: 4, 4']],
    ['a signed length', ['Content-Length: +4']],
    ['a length in hexadecimal', ['Content-Length: 0x4']],
    ['a length with a space', ['Content-Length: 4 0']],
    ['an encoding nobody knows', ['Transfer-Encoding: xchunked']],
    ['an encoding with a tab', ['Transfer-Encoding:\tchunked, identity']],
    ['two encodings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['an encoding with a vertical tab', ['Transfer-Encoding: \x0bchunked']],
    ['an encoding named with a space', ['Transfer-Encoding : chunked', 'Content-Length: 4']],
  ])('is not answered: %s', async (_how, headers) => {
    const head = ['POST /auth/logout HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...headers]
    const answer = await sendRaw(app.port, `${head.join('\r\n')}\r\n\r\n0\r\n\r\n${inner()}`)
    expect(answer).not.toContain(mine.user.email)
    expect(answer).toMatch(/^HTTP\/1.1 (400|408|501) /)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  it.each([
    '5;ext="\n"\r\nhello',
    '5\nhello',
    '0x5\r\nhello',
    '-1\r\nhello',
    'ffffffffffffffffff\r\nhello',
    '5\r\nhello!!',
  ])('is not begun by a chunk like %j', async (chunk) => {
    const head = 'POST /auth/logout HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    const answer = await sendRaw(app.port, `${head}${chunk}\r\n0\r\n\r\n${inner()}`)
    expect(answer).not.toContain(mine.user.email)
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /)
  })

  it('does not come out of a value that is sent back', async () => {
    for (const path of ['/auth/login%0d%0aX-Split:%20yes', '/docs%0d%0aX-Split:1', '/?x=%0d%0aX-Split:1']) {
      const answer = await request(`GET ${path} HTTP/1.1`, ['Token-Delivery: body\tX-Split: 1'])
      expect(answer).not.toMatch(/^x-split/im)
    }
  })
})

describe('a body', () => {
  const post = (body: string) => app.post('/auth/login', body)
  const sized = (bytes: number) => {
    const frame = JSON.stringify({ email: newEmail(), password: '' })
    return `${frame.slice(0, -2)}${'p'.repeat(bytes - frame.length)}"}`
  }

  it('of 64 KiB is read, and not one byte more', async () => {
    expect(sized(65_536).length).toBe(65_536)
    await expectProblem(await post(sized(65_536)), 'invalid_request')
    await expectProblem(await post(sized(65_537)), 'payload_too_large')
  })

  it('that is announced as huge is refused before it comes', async () => {
    const answer = await request('POST /auth/login HTTP/1.1', [
      'Content-Type: application/json',
      'Content-Length: 9999999999',
    ])
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
  })

  it('that is compressed is not unpacked', async () => {
    const answer = await app.post('/auth/login', sized(100), { 'content-encoding': 'gzip' })
    expect([400, 401, 415]).toContain(answer.status)
  })

  it('that nobody asked for is bounded as well', async () => {
    const answer = await request(
      'GET /health/live HTTP/1.1',
      ['Content-Type: application/json', 'Content-Length: 100000'],
      'x'.repeat(100_000),
    )
    expect(answer).toMatch(/^HTTP\/1.1 (200|413) /)
  })
})

describe('a slow client', () => {
  /** Sends the text a byte at a time; answers what came back by the time the service hung up. */
  function drip(text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(app.port, '127.0.0.1')
      const chunks: Buffer[] = []
      let sent = 0
      const timer = setInterval(() => {
        if (sent < text.length) socket.write(text.charAt(sent++))
      }, 20)
      socket.on('data', (chunk) => chunks.push(chunk))
      socket.on('error', () => {})
      socket.on('end', () => socket.end())
      socket.on('close', () => {
        clearInterval(timer)
        resolve(Buffer.concat(chunks).toString('latin1'))
      })
    })
  }

  it.each([
    ['nothing', ''],
    ['a header', `GET /health/live HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(5000)}`],
    ['many headers', `GET /health/live HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(2000)}`],
  ])('that sends %s a byte at a time is cut off', async (_what, text) => {
    expect(await drip(text)).toMatch(/^(HTTP\/1.1 408 |$)/)
  })

  it('that sends a body a byte at a time is cut off', async () => {
    const head =
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n'
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(app.port, '127.0.0.1', () => socket.write(head))
      const chunks: Buffer[] = []
      const timer = setInterval(() => socket.write(' '), 20)
      socket.on('data', (chunk) => chunks.push(chunk))
      socket.on('error', () => {})
      socket.on('end', () => socket.end())
      socket.on('close', () => {
        clearInterval(timer)
        resolve(Buffer.concat(chunks).toString('latin1'))
      })
    })
    expect(answer).toMatch(/^(HTTP\/1.1 408 |$)/)
  })

  it('does not keep others waiting', async () => {
    const slow = Array.from({ length: 200 }, () => connect(app.port, '127.0.0.1'))
    for (const socket of slow) {
      socket.on('error', () => {})
      socket.write('POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n')
    }
    expect((await app.post('/auth/login', { email: mine.user.email, password: PASSWORD })).status).toBe(200)
    for (const socket of slow) socket.destroy()
  })
})

it('leaves everybody where they were', async () => {
  expect(await isLive(mine.access_token)).toBe(true)
  expect(await isLive(others.access_token)).toBe(true)
})
