import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, call } from './support/http.ts'
import { build, type ServiceProcess, startService } from './support/process.ts'
import { readMail, secretIn } from './support/read-mail.ts'
import { usePostgres } from './support/servers.ts'
import type { Tokens } from './support/start-app.ts'

/** An account whose password goes back and forth, and the tokens of its last login. */
interface Person {
  readonly email: string
  passwords: readonly [current: string, next: string]
  tokens: Tokens
}

type Outcome = 'changed' | 'unchanged'

let directory: string
let running: ServiceProcess[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-half-'))
})
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL')
  running = []
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<ServiceProcess> {
  const service = await startService({ LOG_LEVEL: 'warn', RATE_LIMIT: 'off', ...settings }, directory)
  running.push(service)
  return service
}

async function enter(url: string, email: string, password: string): Promise<Tokens | null> {
  const { status, text } = await call(url, 'POST', { body: { email, password } })
  return status < 300 ? (JSON.parse(text) as Tokens) : null
}

async function register({ url }: ServiceProcess, index: number): Promise<Person> {
  const email = `person-${index}@example.test`
  const passwords = [`violet-tractor-9-Umbrella-${index}`, `amber-Lighthouse-27-tuba-${index}`] as const
  const tokens = await enter(`${url}/auth/register`, email, passwords[0])
  if (tokens === null) throw new Error('the registration failed')
  return { email, passwords, tokens }
}

/** A way to another password: what asks for it, and the status that acknowledges it. */
interface Way {
  readonly acknowledged: number
  /** Answers whose passwords are to change in the next round. */
  people(service: ServiceProcess, dataDir: string): Promise<readonly Person[]>
  ask(service: ServiceProcess, person: Person): Promise<Answer>
}

/** With the current password; the same people in every round. */
function byChange(): Way {
  let people: readonly Person[] = []
  return {
    acknowledged: 200,
    async people(service) {
      if (people.length === 0)
        people = await Promise.all(Array.from({ length: 10 }, (_, index) => register(service, index)))
      return people
    },
    ask({ url }, { passwords: [current, next], tokens }) {
      const body = { current_password: current, new_password: next }
      return call(`${url}/auth/password/change`, 'POST', { token: tokens.access_token, body })
    },
  }
}

/** With the link in a mail; new people in every round, since an address gets a few mails an hour. */
function byReset(): Way {
  const secrets = new Map<string, string>()
  let registered = 0
  return {
    acknowledged: 204,
    async people(service, dataDir) {
      const people = await Promise.all([0, 1, 2, 3, 4].map(() => register(service, registered++)))
      for (const { email } of people) {
        await call(`${service.url}/auth/password/forgot`, 'POST', { body: { email } })
        await expect.poll(() => resetSecretFor(email, dataDir), { timeout: 5_000 }).toBeDefined()
        secrets.set(email, resetSecretFor(email, dataDir) ?? '')
      }
      return people
    },
    ask({ url }, { email, passwords: [, next] }) {
      const body = { token: secrets.get(email), new_password: next }
      return call(`${url}/auth/password/reset`, 'POST', { body })
    },
  }
}

function resetSecretFor(email: string, dataDir: string): string | undefined {
  const outbox = join(dataDir, 'outbox')
  const files = readdirSync(outbox).filter((file) => !file.startsWith('.'))
  const mails = files.map((file) => readMail(readFileSync(join(outbox, file), 'utf8')))
  const mail = mails.find(({ headers, text }) => headers.get('to') === email && text.includes('/reset-password#'))
  return mail === undefined ? undefined : secretIn(mail)
}

/**
 * Asks for changes of several passwords and resolves at a moment to kill the service: some time after a random number of
 * answers. Hashing takes most of a change and its write comes last, so the others are about to be written then.
 */
async function askForChanges(
  service: ServiceProcess,
  people: readonly Person[],
  way: Way,
): Promise<{ answers: Promise<(Answer | null)[]> }> {
  const answers = people.map((person) => way.ask(service, person).catch(() => null))
  const awaited = Math.floor(Math.random() * people.length)
  let answered = 0
  await new Promise<void>((resolve) => {
    const count = () => {
      if (answered === awaited) resolve()
      answered += 1
    }
    count()
    for (const answer of answers) answer.then(count)
  })
  await sleep(Math.random() * 30)
  return { answers: Promise.all(answers) }
}

/** Whether the change came to pass; throws for one that did by half. Leaves the person logged in. */
async function outcomeOf({ url }: ServiceProcess, person: Person): Promise<Outcome> {
  const { access_token, refresh_token } = person.tokens
  const status = await call(`${url}/auth/status`, 'GET', { token: access_token })
  const refreshed = await call(`${url}/auth/refresh`, 'POST', { body: { refresh_token } })
  const [withOld = null, withNew = null] = await Promise.all(
    person.passwords.map((password) => enter(`${url}/auth/login`, person.email, password)),
  )
  const outcome = {
    oldPassword: withOld !== null,
    newPassword: withNew !== null,
    accessToken: status.status === 200,
    refreshToken: refreshed.status === 200,
  }
  const unchanged = { oldPassword: true, newPassword: false, accessToken: true, refreshToken: true }
  const changed = { oldPassword: false, newPassword: true, accessToken: false, refreshToken: false }
  expect([unchanged, changed]).toContainEqual(outcome)
  person.tokens = withOld ?? withNew ?? person.tokens
  if (withNew === null) return 'unchanged'
  person.passwords = [person.passwords[1], person.passwords[0]]
  return 'changed'
}

/** Kills the service `rounds` times amid changes, and answers what became of each change. */
async function killAmidChanges(
  settings: Record<string, string> & { DATA_DIR: string },
  rounds: number,
  way: Way,
): Promise<Outcome[]> {
  let service = await start(settings)
  const seen: Outcome[] = []
  for (let round = 0; round < rounds; round += 1) {
    const people = await way.people(service, settings.DATA_DIR)
    const { answers } = await askForChanges(service, people, way)
    expect(await service.stop('SIGKILL')).toBe('SIGKILL')
    const acknowledged = await answers
    const next = await start(settings)
    const outcomes = await Promise.all(people.map((person) => outcomeOf(next, person)))
    for (const [index, outcome] of outcomes.entries()) {
      if (acknowledged[index]?.status === way.acknowledged) expect(outcome).toBe('changed')
    }
    seen.push(...outcomes)
    service = next
  }
  await service.stop('SIGKILL')
  return seen
}

/** Kills that all came too early or too late would have shown nothing. */
function expectBoth(seen: readonly Outcome[]): void {
  const changed = seen.filter((outcome) => outcome === 'changed').length
  expect(Math.min(changed, seen.length - changed)).toBeGreaterThan(seen.length / 20)
}

describe('a change of password that kill -9 interrupts has come to pass as a whole or not at all', () => {
  it('over SQLite, in 20 kills amid 200 changes', async () => {
    // Two services at once, since a start keeps one core busy.
    const seen = await Promise.all(
      ['one', 'two'].map((name) => killAmidChanges({ DATA_DIR: join(directory, name) }, 10, byChange())),
    )
    expect(seen.flat()).toHaveLength(200)
    expectBoth(seen.flat())
  }, 240_000)

  const database = usePostgres()
  it('over PostgreSQL, in 4 kills amid 40 changes', async () => {
    expectBoth(await killAmidChanges({ DATA_DIR: directory, DATABASE_URL: await database() }, 4, byChange()))
  }, 120_000)

  it('by a link in a mail, over SQLite, in 8 kills amid 40 resets', async () => {
    const seen = await Promise.all(
      ['one', 'two'].map((name) => killAmidChanges({ DATA_DIR: join(directory, name) }, 4, byReset())),
    )
    expect(seen.flat()).toHaveLength(40)
    expectBoth(seen.flat())
  }, 240_000)

  it('by a link in a mail, over PostgreSQL, in 4 kills amid 20 resets', async () => {
    expectBoth(await killAmidChanges({ DATA_DIR: directory, DATABASE_URL: await database() }, 4, byReset()))
  }, 120_000)
})
