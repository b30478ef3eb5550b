import { onConnections, requestText } from './connections.mjs'

/** How many connections, or callers, work at once. */
export const CALLERS = 64

/** Refreshes per second over HTTP: each connection exchanges the token that it was given last. */
export async function refreshes({ url, seed }, count) {
  const pairs = await seed(CALLERS)
  const tokens = pairs.map(({ refreshToken }) => refreshToken)
  let left = count
  return perSecond(count, () =>
    onConnections(url, CALLERS, {
      next(number) {
        if (left <= 0) return null
        left -= 1
        return requestText('POST', '/auth/refresh', { body: { refresh_token: tokens[number] } })
      },
      heard(number, { status, body }) {
        if (status !== 200) throw new Error(`a refresh was answered ${status}: ${body}`)
        tokens[number] = JSON.parse(body).refresh_token
      },
    }),
  )
}

/** Logouts per second over HTTP: each one ends a session of its own. */
export async function logouts({ url, seed }, count) {
  const pairs = await seed(count)
  return perSecond(count, () =>
    onConnections(url, CALLERS, {
      next() {
        const pair = pairs.pop()
        return pair === undefined ? null : requestText('POST', '/auth/logout', { token: pair.accessToken })
      },
      heard(_, { status, body }) {
        if (status !== 204) throw new Error(`a logout was answered ${status}: ${body}`)
      },
    }),
  )
}

/** The same without HTTP. */
export async function libraryRefreshes({ library, seed }, count) {
  const pairs = await seed(CALLERS)
  return perSecond(count, () =>
    byCallers(count, async (caller) => {
      pairs[caller] = await library.refresh(pairs[caller].refreshToken)
    }),
  )
}

/** The same without HTTP. */
export async function libraryLogouts({ library, seed }, count) {
  const pairs = await seed(count)
  return perSecond(count, () => byCallers(count, () => library.logOut(pairs.pop().accessToken)))
}

async function byCallers(count, work) {
  let left = count
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      while (left > 0) {
        left -= 1
        await work(caller)
      }
    }),
  )
}

async function perSecond(count, work) {
  const startedAt = performance.now()
  await work()
  return (count / (performance.now() - startedAt)) * 1_000
}
