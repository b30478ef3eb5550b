import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { PASSWORD, register } from '../service/accounts.mjs'
import { onConnections, requestText } from '../service/connections.mjs'

// Slow enough that the service is busy and not swamped: what is measured is what stays, not what is under way.
const MAX_PAUSE_MS = 20
const EMAILS = 8

/**
 * What people do, at random: `weight` of the times, and what may come back. Where somebody has no token yet, they log
 * in. `forget` is what one is left without.
 */
const acts = [
  { name: 'guarded', weight: 50, request: ({ access }) => requestText('GET', '/auth/status', { token: access }) },
  {
    name: 'refresh',
    weight: 25,
    request: ({ refresh }) => requestText('POST', '/auth/refresh', { body: { refresh_token: refresh } }),
    brings: true,
  },
  {
    name: 'logout',
    weight: 8,
    request: ({ access }) => requestText('POST', '/auth/logout', { token: access }),
    ends: true,
  },
  {
    name: 'replay',
    weight: 2,
    request: ({ refresh, spent }) =>
      requestText('POST', '/auth/refresh', { body: { refresh_token: spent ?? refresh } }),
    ends: true,
  },
  // Tokens that nobody issued, each another one: none may stay in the cache.
  {
    name: 'forged',
    weight: 15,
    request: ({ access }) => requestText('GET', '/auth/status', { token: forged(access) }),
    expects: 401,
  },
]
const TOTAL = acts.reduce((total, { weight }) => total + weight, 0)

/** People who come and go on `connections` until `signal` aborts; answers how often each thing was done. */
export async function comeAndGo(url, { connections, signal }) {
  const emails = Array.from({ length: EMAILS }, (_, number) => `person-${number}@example.test`)
  for (const email of emails) await register(url, email)
  const people = Array.from({ length: connections }, (_, number) => ({ email: emails[number % EMAILS], tokens: null }))
  const done = {}
  await onConnections(url, connections, {
    async next(number) {
      await wait(MAX_PAUSE_MS * Math.random())
      if (signal.aborted) return null
      const person = people[number]
      person.act = person.tokens === null ? logIn : chosen()
      return person.act === logIn ? logIn.request(person) : person.act.request(person.tokens)
    },
    heard(number, { status, body }) {
      const person = people[number]
      const { name, brings, ends, expects } = person.act
      const key = `${name} ${status}`
      done[key] = (done[key] ?? 0) + 1
      // On a busy machine a login may wait too long for its turn; then it comes back.
      if (status === 503 && person.act === logIn) return
      if (status >= 500) throw new Error(`${name} was answered ${status}: ${body}`)
      if (expects !== undefined) {
        if (status !== expects) throw new Error(`${name} was answered ${status}: ${body}`)
      } else if (brings && status === 200) person.tokens = tokensOf(body, person.tokens)
      // A token that expired while its owner paused is the end of a visit.
      else if (ends || status === 401) person.tokens = null
    },
  })
  return done
}

const logIn = {
  name: 'login',
  request: ({ email }) => requestText('POST', '/auth/login', { body: { email, password: PASSWORD } }),
  brings: true,
}

function tokensOf(body, before) {
  const { access_token: access, refresh_token: refresh } = JSON.parse(body)
  return { access, refresh, spent: before?.refresh }
}

function chosen() {
  let left = Math.random() * TOTAL
  return acts.find(({ weight }) => {
    left -= weight
    return left < 0
  })
}

/** The token with another signature. */
function forged(token) {
  return `${token.slice(0, token.lastIndexOf('.') + 1)}${randomBytes(64).toString('base64url')}`
}
