import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { call } from './support/http.ts'
import { startMailServer } from './support/mail-server.ts'
import { build, failToStart, type ServiceProcess, startService } from './support/process.ts'
import { readMail, secretIn } from './support/read-mail.ts'
import { PASSWORD } from './support/start-app.ts'

let directory: string
let service: ServiceProcess | undefined
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-outbox-'))
})
afterEach(async () => {
  await service?.stop('SIGKILL')
  service = undefined
  rmSync(directory, { recursive: true, force: true })
})

const email = 'ada@example.test'
const start = async (settings: Record<string, string> = {}) => {
  service = await startService({ DATA_DIR: directory, PUBLIC_URL: 'https://app.example.test', ...settings }, directory)
  return service
}
const register = async (url: string, address = email) =>
  (await call(`${url}/auth/register`, 'POST', { body: { email: address, password: PASSWORD } })).status
const files = () => {
  try {
    // One that is still being written begins with a dot.
    return readdirSync(join(directory, 'outbox')).filter((file) => !file.startsWith('.'))
  } catch {
    return []
  }
}

it('without SMTP_URL, a mail is a file of its own that only this user can read, and the log says that there is one', async () => {
  const { url, stderr } = await start()
  expect(await register(url)).toBe(201)
  await expect.poll(files, { timeout: 5_000 }).toHaveLength(1)
  const [file = ''] = files()
  expect(file).toMatch(/^[\w.-]+\.eml$/)
  const path = join(directory, 'outbox', file)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory, 'outbox')).mode & 0o777).toBe(0o700)
  const mail = readMail(readFileSync(path, 'utf8'))
  expect(mail.headers.get('to')).toBe(email)
  expect(mail.headers.get('from')).toBe('no-reply@app.example.test')
  const secret = secretIn(mail)
  await expect.poll(stderr, { timeout: 5_000 }).toContain('a mail was written to the outbox')
  expect((await call(`${url}/auth/email/verify`, 'POST', { body: { token: secret } })).status).toBe(204)
  for (const word of [secret, email, 'ada', PASSWORD]) expect(stderr()).not.toContain(word)
}, 30_000)

it('a mail that waits is delivered before the service ends', async () => {
  const mailServer = await startMailServer()
  try {
    const { url, stop } = await start({ SMTP_URL: mailServer.url, MAIL_FROM: 'Ünsere App <app@example.test>' })
    const people = Array.from({ length: 10 }, (_, index) => `person-${index}@example.test`)
    expect(await Promise.all(people.map((address) => register(url, address)))).toEqual(people.map(() => 201))
    expect(await stop('SIGTERM')).toBe(0)
    service = undefined
    expect(mailServer.mails).toHaveLength(10)
    expect(mailServer.mails[0]?.headers.get('from')).toMatch(/<app@example\.test>$/)
    expect(files()).toEqual([])
  } finally {
    await mailServer.close()
  }
}, 30_000)

const ADMIN = { ADMIN_EMAIL: 'root@example.test', ADMIN_PASSWORD: PASSWORD }
const login = async (url: string, password: string) =>
  call(`${url}/auth/login`, 'POST', { body: { email: ADMIN.ADMIN_EMAIL, password } })

it('ADMIN_EMAIL and ADMIN_PASSWORD make the first account, once', async () => {
  const first = await start(ADMIN)
  const { status, text } = await login(first.url, PASSWORD)
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ user: { admin: true, email_verified: true, email: 'root@example.test' } })
  await first.stop('SIGTERM')
  const again = await start({ ...ADMIN, ADMIN_EMAIL: 'other@example.test', ADMIN_PASSWORD: 'password1' })
  expect((await login(again.url, PASSWORD)).status).toBe(200)
  const other = { email: 'other@example.test', password: 'password1' }
  expect((await call(`${again.url}/auth/login`, 'POST', { body: other })).status).toBe(401)
  expect(first.stderr() + first.stdout() + again.stderr()).not.toContain(PASSWORD)
}, 30_000)

it('without them there is no account at all', async () => {
  const { url } = await start()
  for (const password of ['admin', 'password', PASSWORD]) expect((await login(url, password)).status).toBe(401)
}, 30_000)

it.each([
  [{ ...ADMIN, ADMIN_PASSWORD: 'password1' }, 'ADMIN_PASSWORD holds a password that is too weak'],
  [{ ...ADMIN, ADMIN_PASSWORD: 'root@example.test' }, 'ADMIN_PASSWORD holds a password that is too weak'],
  [{ ...ADMIN, ADMIN_PASSWORD: 'short' }, 'ADMIN_PASSWORD holds an unusable value'],
  [{ ADMIN_EMAIL: 'root@example.test' }, 'ADMIN_EMAIL and ADMIN_PASSWORD'],
  [{ ...ADMIN, ADMIN_EMAIL: 'root' }, 'ADMIN_EMAIL holds "root"'],
])(
  'with %j it does not start, and one line says why',
  async (settings, reason) => {
    const { code, stderr } = await failToStart({ DATA_DIR: directory, ...settings }, directory)
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`rescind: ${reason}`)
    if ('ADMIN_PASSWORD' in settings && settings.ADMIN_PASSWORD !== 'root@example.test') {
      expect(stderr).not.toContain(settings.ADMIN_PASSWORD)
    }
  },
  30_000,
)
