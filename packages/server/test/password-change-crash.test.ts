import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, call } from './support/http.ts'
import { build, type ServiceProcess, startService } from './support/process.ts'
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
  const service = await startService({ LOG_LEVEL: 'warn', ...settings }, directory)
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

/**
 * Asks for changes of several passwords and resolves at a moment to kill the service: some time after a random number of
 * answers. Hashing takes most of a change and its write comes last, so the others are about to be written then.
 */
async function askForChanges(
  { url }: ServiceProcess,
  people: readonly Person[],
): Promise<{ answers: Promise<(Answer | null)[]> }> {
  const answers = people.map(({ passwords: [current, next], tokens }) => {
    const body = { current_password: current, new_password: next }
    return call(`${url}/auth/password/change`, 'POST', { token: tokens.access_token, body }).catch(() => null)
  })
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
async function killAmidChanges(settings: Record<string, string>, rounds: number): Promise<Outcome[]> {
  let service = await start(settings)
  const people = await Promise.all([0, 1, 2, 3, 4].map((index) => register(service, index)))
  const seen: Outcome[] = []
  for (let round = 0; round < rounds; round += 1) {
    const { answers } = await askForChanges(service, people)
    expect(await service.stop('SIGKILL')).toBe('SIGKILL')
    const acknowledged = await answers
    const next = await start(settings)
    const outcomes = await Promise.all(people.map((person) => outcomeOf(next, person)))
    for (const [index, outcome] of outcomes.entries()) {
      if (acknowledged[index]?.status === 200) expect(outcome).toBe('changed')
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
  it('over SQLite, in 40 kills amid 200 changes', async () => {
    // Two services at once, since a start keeps one core busy.
    const seen = await Promise.all(
      ['one', 'two'].map((name) => killAmidChanges({ DATA_DIR: join(directory, name) }, 20)),
    )
    expect(seen.flat()).toHaveLength(200)
    expectBoth(seen.flat())
  }, 240_000)

  const database = usePostgres()
  it('over PostgreSQL, in 6 kills amid 30 changes', async () => {
    expectBoth(await killAmidChanges({ DATA_DIR: directory, DATABASE_URL: await database() }, 6))
  }, 120_000)
})
