import { setTimeout as wait } from 'node:timers/promises'
import { median, quantile } from '../interleave.mjs'
import { PASSWORD, register } from './accounts.mjs'
import { onConnections, requestText } from './connections.mjs'
import { startService, temporaryFolder } from './processes.mjs'

const LOGINS = 64
const MOST_LOGINS = 256
const READERS = 16
const MAX_PAUSE_MS = 60
const ROUND_MS = 5_000
const ROUNDS = 5
const MOST = 4
const PERCENTILES = [50, 75, 90, 95, 99, 99.9]

/** How long guarded requests take while 64 people log in at once, beside an idle service. */
export async function measureLoginStorm(report) {
  const { path, dispose } = temporaryFolder()
  const service = await startService(path)
  const email = 'someone@example.test'
  await register(service.url, email)
  // Of somebody else: a user has so many sessions at most, and a login ends the oldest.
  const { access_token: token } = await register(service.url, 'reader@example.test')
  const login = requestText('POST', '/auth/login', { body: { email, password: PASSWORD } })
  const rounds = []
  let logins = 0
  // The first round is for the compiler.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const idle = await guardedTimes(service.url, token)
    const storm = stormOf(service.url, { login, connections: LOGINS })
    // It rages once the first has its answer.
    await storm.first
    const stormy = await guardedTimes(service.url, token)
    const { answers } = await storm.end()
    if (answers.some(({ status }) => status !== 200)) throw new Error('a login of 64 at once was refused')
    logins += answers.length
    if (round > 0) rounds.push({ idle, stormy })
  }
  report.figure('login storm', `p99 of guarded requests during ${LOGINS} logins at once / idle`, {
    value: median(rounds.map(({ idle, stormy }) => quantile(stormy, 0.99) / quantile(idle, 0.99))),
    most: MOST,
    note: `${milliseconds(rounds, 'stormy')} and ${milliseconds(rounds, 'idle')} ms; ${Math.round((logins / ((ROUNDS + 1) * ROUND_MS)) * 1_000)} logins/s`,
  })
  report.series('guarded requests in a login storm', {
    unit: 'ms',
    xUnit: 'percentile',
    x: PERCENTILES,
    y: { idle: distribution(rounds, 'idle'), 'login storm': distribution(rounds, 'stormy') },
  })
  await refusePastQueue(service.url, { login, report })
  await service.stop()
  dispose()
}

/** Past what may wait, a login is refused at once and told when to come back. */
async function refusePastQueue(url, { login, report }) {
  const storm = stormOf(url, { login, connections: MOST_LOGINS, once: true })
  const { answers } = await storm.end({ cutShort: false })
  const refused = answers.filter(({ status }) => status === 503)
  const good = answers.filter(({ status }) => status === 200)
  if (refused.some(({ head }) => !/\r\nretry-after: \d+/i.test(head))) throw new Error('a refusal lacks Retry-After')
  if (refused.length + good.length !== answers.length) throw new Error('a login was answered neither 200 nor 503')
  report.measured(`${MOST_LOGINS} logins at once`, 'answers', {
    'let in': good.length,
    'refused (503, Retry-After)': refused.length,
  })
}

/** Guarded requests of a moderate pace, each connection's at times of its own; answers their milliseconds, sorted. */
async function guardedTimes(url, token) {
  const request = requestText('GET', '/auth/status', { token })
  const sentAt = []
  const times = []
  const until = performance.now() + ROUND_MS
  await onConnections(url, READERS, {
    async next(number) {
      await wait(MAX_PAUSE_MS * Math.random())
      if (performance.now() > until) return null
      sentAt[number] = performance.now()
      return request
    },
    heard(number, { status }) {
      times.push(performance.now() - sentAt[number])
      if (status !== 200) throw new Error(`a guarded request was answered ${status}`)
    },
  })
  return times.sort((a, b) => a - b)
}

/** Connections that log in one time after the other until `end` is called, or once. */
function stormOf(url, { login, connections, once = false }) {
  const asked = new Set()
  const answers = []
  let over = false
  let begin
  const first = new Promise((resolve) => {
    begin = resolve
  })
  const ended = onConnections(url, connections, {
    next(number) {
      if (over || (once && asked.has(number))) return null
      asked.add(number)
      return login
    },
    heard(_, answer) {
      answers.push(answer)
      begin()
    },
  })
  return {
    first,
    async end({ cutShort = true } = {}) {
      over = cutShort
      await ended
      return { answers }
    },
  }
}

function distribution(rounds, name) {
  return PERCENTILES.map((percentile) => median(rounds.map((round) => quantile(round[name], percentile / 100))))
}

function milliseconds(rounds, name) {
  return median(rounds.map((round) => quantile(round[name], 0.99))).toFixed(2)
}
