import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createMailer, type Mail, type MailTransport } from '../src/mail/mailer.ts'
import { smtpTransport } from '../src/mail/smtp.ts'
import { createAccountMail } from '../src/services/account-mail.ts'
import { FROM, type MailApp, PUBLIC_URL, startMailApp } from './support/mail-app.ts'
import { type MailServer, startMailServer } from './support/mail-server.ts'
import { sendRaw } from './support/raw-http.ts'
import { PASSWORD } from './support/start-app.ts'

let closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing = []
})

async function mailServer(): Promise<MailServer> {
  const server = await startMailServer()
  closing.push(() => server.close())
  return server
}

function transportTo(url: string): MailTransport {
  const transport = smtpTransport(url, FROM)
  closing.push(() => transport.close())
  return transport
}

const letter = { subject: 'A subject', text: 'Some text\n', html: '<p>Some text</p>\n' }
const mailTo = (to: string): Mail => ({ to, letter })

function createLog() {
  const lines: unknown[][] = []
  return { lines, log: { warn: (...args: unknown[]) => void lines.push(args) } }
}

describe('the links in mails', () => {
  let app: MailApp
  const EVIL = 'evil.example'

  /** Requests that name another host in every way there is, of which a link must not take notice. */
  const poisons: readonly { target?: string; headers: readonly string[] }[] = [
    { headers: ['Host: EVIL'] },
    { headers: ['Host: EVIL:443'] },
    { headers: ['Host: id.example.test@EVIL'] },
    { headers: ['Host: id.example.test.EVIL'] },
    ...[
      'X-Forwarded-Host: EVIL',
      'X-Forwarded-Host: EVIL, EVIL',
      'X-Forwarded-Server: EVIL',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Scheme: http',
      'X-Forwarded-Port: 8443',
      'X-Forwarded-Prefix: //EVIL',
      'X-Forwarded-For: EVIL',
      'X-Host: EVIL',
      'X-Original-Host: EVIL',
      'X-Original-URL: https://EVIL/',
      'X-Rewrite-URL: https://EVIL/',
      'X-HTTP-Host-Override: EVIL',
      'Forwarded: host=EVIL;proto=http',
      'Referer: https://EVIL/',
    ].map((header) => ({ headers: ['Host: a', header] })),
    { target: 'http://EVIL/auth/password/forgot', headers: ['Host: a'] },
  ]

  function request({ target = '/auth/password/forgot', headers }: (typeof poisons)[number], body: string): string {
    const lines = [...headers, 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close']
    return `POST ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`.replaceAll('EVIL', EVIL)
  }

  it('are the configured ones, whatever 20 requests say the host is', async () => {
    expect(poisons).toHaveLength(20)
    app = await startMailApp({ trustProxy: 1 })
    closing.push(() => app.close())
    const people = await Promise.all(poisons.map(() => app.register()))
    let changed = 0
    for (const [index, poison] of poisons.entries()) {
      const email = people[index]?.user.email ?? ''
      await app.mailServer.to(email)
      const answer = await sendRaw(app.port, request(poison, JSON.stringify({ email })))
      expect([poison, answer.split('\r\n')[0]]).toEqual([poison, 'HTTP/1.1 202 Accepted'])
      const mail = (await app.mailServer.to(email, 2)).at(-1)
      const isOurs =
        mail?.text.includes(`\n${PUBLIC_URL}/reset-password#token=`) && !JSON.stringify(mail).includes(EVIL)
      if (isOurs !== true) changed += 1
    }
    expect(changed).toBe(0)
  })
})

describe('a mail', () => {
  it('comes from the configured sender, to one address, and says that a machine wrote it', async () => {
    const app = await startMailApp()
    closing.push(() => app.close())
    const { user } = await app.register()
    const [mail] = await app.mailServer.to(user.email)
    expect(mail?.envelope).toEqual({ from: 'no-reply@example.test', to: [user.email] })
    expect(Object.fromEntries(mail?.headers ?? [])).toMatchObject({
      from: FROM,
      to: user.email,
      subject: 'Confirm your e-mail address at app.example.test',
      'auto-submitted': 'auto-generated',
    })
  })

  it.each([
    'a@example.test\r\nBcc: thief@example.test',
    'a@example.test\nBcc: thief@example.test',
    'a@example.test\r\n\r\nbody',
    'a@example.test, thief@example.test',
    'a@example.test;thief@example.test',
    'a@example.test>, <thief@example.test',
    '"a\r\nBcc: thief"@example.test',
    'a@example.test\u2028Bcc: thief@example.test',
    'a@example.test\u0000',
    'group: a@example.test, thief@example.test;',
  ])('goes to nobody that an address with something else in it names: %j', async (email) => {
    const app = await startMailApp()
    closing.push(() => app.close())
    expect((await app.post('/auth/register', { email, password: PASSWORD })).status).toBe(400)
    expect((await app.post('/auth/password/forgot', { email })).status).toBe(400)
    const { user } = await app.register()
    await app.mailServer.to(user.email)
    expect(app.mailServer.mails).toHaveLength(1)
  })

  it('shows an address as text, and not as markup', async () => {
    const server = await mailServer()
    const { log } = createLog()
    const mailer = createMailer(transportTo(server.url), { log })
    const odd = `<img/src='x'&"onerror=alert(1)>@example.test`
    createAccountMail(mailer, PUBLIC_URL).emailChangeAsked('a@example.test', odd)
    const [mail] = await server.to('a@example.test')
    expect(mail?.text).toContain('<img/src=')
    expect(mail?.html).toContain('&lt;img/src=&#39;x&#39;&amp;&quot;onerror=alert(1)&gt;')
    expect(mail?.html).not.toMatch(/<img/)
  })

  it('is one to one, also with the comma of a transport that reads lists', async () => {
    const server = await mailServer()
    const { log, lines } = createLog()
    const mailer = createMailer(transportTo(server.url), { log, retryDelaysMs: [] })
    mailer.send(mailTo('a@example.test, thief@example.test'))
    mailer.send(mailTo('a@example.test\r\nRCPT TO:<thief@example.test>'))
    mailer.send(mailTo('b@example.test'))
    await server.to('b@example.test')
    await mailer.close()
    expect(server.mails.flatMap(({ envelope }) => envelope.to)).not.toContain('thief@example.test')
    expect(JSON.stringify(lines)).not.toContain('example.test')
  })
})

describe('delivery', () => {
  it('is tried again where the server says that it may work later', async () => {
    const server = await mailServer()
    const { log, lines } = createLog()
    const mailer = createMailer(transportTo(server.url), { log, retryDelaysMs: [1, 1] })
    server.refuse(451, 2)
    mailer.send(mailTo('a@example.test'))
    await server.to('a@example.test')
    expect(server.tries()).toBe(3)
    expect(lines).toEqual([])
  })

  it('ends after some tries, and after one where the server says never, which the log tells without the address', async () => {
    const server = await mailServer()
    const { log, lines } = createLog()
    const mailer = createMailer(transportTo(server.url), { log, retryDelaysMs: [1, 1] })
    server.refuse(451, 3)
    mailer.send(mailTo('a@example.test'))
    await expect.poll(() => lines.length).toBe(1)
    expect(server.tries()).toBe(3)
    server.refuse(550, 1)
    mailer.send(mailTo('a@example.test'))
    await expect.poll(() => lines.length).toBe(2)
    expect(server.tries()).toBe(4)
    expect(JSON.stringify(lines)).not.toContain('example.test')
    expect(lines[1]).toEqual([{ tries: 1, code: expect.stringContaining('550') }, 'a mail could not be delivered'])
  })

  it('of one mail does not wait for another that is tried again', async () => {
    const server = await mailServer()
    const { log } = createLog()
    const mailer = createMailer(transportTo(server.url), { log, retryDelaysMs: [60_000] })
    server.refuse(451, 1)
    mailer.send(mailTo('slow@example.test'))
    await expect.poll(() => server.tries()).toBe(1)
    mailer.send(mailTo('a@example.test'))
    await server.to('a@example.test')
    await mailer.close()
    // At the end there is no time to wait: the last try is made at once.
    await server.to('slow@example.test')
  })

  it('is bounded: what does not fit is dropped, and the log says so', async () => {
    const { log, lines } = createLog()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const delivered: string[] = []
    const transport: MailTransport = {
      async deliver({ to }) {
        await held
        delivered.push(to)
      },
      close() {},
    }
    const mailer = createMailer(transport, { log, maxWaiting: 5 })
    for (let index = 0; index < 8; index += 1) mailer.send(mailTo(`${index}@example.test`))
    expect(lines).toHaveLength(3)
    release()
    await mailer.close()
    expect(delivered).toHaveLength(5)
  })

  it('does not hold up an answer, nor the end of the service, where the server swallows everything', async () => {
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => sockets.add(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const { port } = silent.address() as { port: number }
    const transport = smtpTransport(`smtp://127.0.0.1:${port}`, FROM)
    const app = await startMailApp({ mail: { transport, publicUrl: PUBLIC_URL, maxDelayMs: 0 } })
    const { user } = await app.register()
    expect((await app.post('/auth/password/forgot', { email: user.email })).status).toBe(202)
    expect(await accepts(app.port)).toBe(true)
    await app.close()
    transport.close()
    expect(await accepts(app.port)).toBe(false)
  })
})

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
