import { once } from 'node:events'
import { join } from 'node:path'
import { median } from '../interleave.mjs'
import { PASSWORD, register } from './accounts.mjs'
import { onConnections, requestText } from './connections.mjs'
import { startService, temporaryFolder } from './processes.mjs'

const ROUNDS = 5
const MOST_MS = 50
const PASSWORD_LENGTH = 128
// What the estimator of strength takes longest for: substitutions, dates, repetitions, rows of keys.
const PASSWORD_PARTS = [
  'p4$$w0rd',
  '19911991',
  '4@8({[<369&6#!1/|\\0$5+7%2',
  '1-1-1991.',
  '4@',
  '1|!/',
  'qwertyuiop[]',
  '2020',
]
const BODY_BYTES = 65_536

/** For how long one request, as hostile as the limits let it be, keeps everybody else waiting. */
export async function measureStalls(report) {
  const { path, dispose } = temporaryFolder()
  const reporter = join(import.meta.dirname, 'stall-reporter.mjs')
  const service = await startService(path, {}, ['--import', reporter])
  const { access_token: token } = await register(service.url, 'someone@example.test')
  const worst = {}
  // The first round is for the compiler.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, requests] of Object.entries(hostileRequests(token, round))) {
      for (const hostile of requests) {
        const request = typeof hostile === 'function' ? await hostile(service.url) : hostile
        await stallOf(service, null)
        const stall = await stallOf(service, request)
        if (round > 0) worst[name] = [...(worst[name] ?? []), { round, stall }]
      }
    }
  }
  await service.stop()
  dispose()
  const medians = Object.fromEntries(Object.entries(worst).map(([name, stalls]) => [name, median(perRound(stalls))]))
  report.figure('hostile requests', 'longest stall of the event loop by one request', {
    value: Math.max(...Object.values(medians)),
    most: MOST_MS,
    unit: 'ms',
  })
  report.measured('longest stall by one hostile request', 'ms', medians)
}

/** The worst request of each round. */
function perRound(stalls) {
  return Array.from({ length: ROUNDS }, (_, at) =>
    Math.max(...stalls.filter(({ round }) => round === at + 1).map(({ stall }) => stall)),
  )
}

/** For how long the service did nothing else while it answered a request; `null` asks it nothing. */
async function stallOf({ child, url }, request) {
  if (request !== null) {
    let answer
    await onConnections(url, 1, {
      next: () => (answer === undefined ? request : null),
      heard(_, heard) {
        answer = heard
      },
    })
    if (answer.status === 401 && request.startsWith('POST /auth/password')) {
      throw new Error(`refused before there was any work: ${answer.body}`)
    }
  }
  const answer = once(child, 'message')
  child.send('worst')
  const [worst] = await answer
  return worst
}

function hostileRequests(token, round) {
  const email = `stranger-${round}@example.test`
  const repeated = (part, length) => part.repeat(Math.ceil(length / part.length)).slice(0, length)
  const post = (path, body, more = {}) => requestText('POST', path, { body, ...more })
  const raw = (json) =>
    `POST /auth/login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`
  // Of an account of its own: a change that succeeds ends the session that asked for it.
  const change = (password, at) => async (url) => {
    const { access_token } = await register(url, `changer-${round}-${at}@example.test`)
    const body = { current_password: PASSWORD, new_password: password }
    return post('/auth/password/change', body, { token: access_token })
  }
  return {
    passwords: PASSWORD_PARTS.flatMap((part, at) => {
      const password = repeated(part, PASSWORD_LENGTH)
      return [
        post('/auth/register', { email, password }),
        post('/auth/register', { email: `${repeated('p4ss.w0rd.', 60)}@${repeated('4.a8.', 180)}test`, password }),
        change(password, at),
      ]
    }),
    bodies: [
      raw(`{"email":"${repeated('a.', BODY_BYTES - 40)}@b"}`),
      raw(`${'['.repeat(BODY_BYTES)}`),
      raw(`{${Array.from({ length: 6000 }, (_, at) => `"k${at}":1`).join(',')}}`),
      raw(`{"email":"${'\\u0041'.repeat(10_000)}","password":"x"}`),
      raw(`{"email":"${'ﷺ'.repeat(254)}","password":"x"}`),
    ],
    tokens: [
      requestText('GET', '/auth/status', { token: `${'a'.repeat(8000)}` }),
      requestText('GET', '/auth/status', { token: `${token.slice(0, 40)}${'A'.repeat(7000)}` }),
      requestText('GET', `/auth/status?${repeated('%41', 8000)}`, { token }),
    ],
  }
}
