import { describe, expect, it, onTestFinished } from 'vitest'
import { families, forge, goodClaims, startFixture } from '../../rescind/test/tokens/forge.ts'
import { corpus, own } from '../../rescind/test/tokens/forged-corpus.ts'
import { tokenPlaces } from '../src/token-cookies.ts'
import { bearer, ISSUER, startApp } from './support/start-app.ts'

const accessCookie = (token: string) => ({ cookie: `__Host-access_token=${token}` })
const refreshCookie = (token: string) => ({ cookie: `__Host-refresh_token=${token}`, 'x-csrf-token': 'x' })

describe('A2: forged tokens at the service, as bearer and by cookie', () => {
  it.each(families)('none is accepted under a %s key, and none is a fault', async (alg) => {
    const { auth } = await startFixture(own(alg), tokenPlaces(ISSUER))
    const app = await startApp({ auth })
    onTestFinished(() => app.close())
    const ask = async (method: string, path: string, headers: Record<string, string>): Promise<number> => {
      const answer = await fetch(`${app.url}${path}`, { method, headers })
      await answer.arrayBuffer()
      return answer.status
    }
    const forged = corpus(alg)
    const statuses = new Map<number, number>()
    for (const token of forged) {
      for (const status of await Promise.all([
        ask('GET', '/auth/sessions', bearer(token)),
        ask('GET', '/auth/sessions', accessCookie(token)),
        ask('POST', '/auth/refresh', refreshCookie(token)),
      ])) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    expect([...statuses]).toEqual([[401, 3 * forged.length]])
    expect(forged.length).toBeGreaterThanOrEqual(500)
    const good = forge(own(alg))
    expect(await ask('GET', '/auth/sessions', bearer(good))).toBe(200)
    expect(await ask('GET', '/auth/sessions', accessCookie(good))).toBe(200)
    const goodRefresh = forge(own(alg), { payload: goodClaims({ type: 'refresh', csrf: 'x' }) })
    // The session is not on record: it got as far as the store.
    expect(await ask('POST', '/auth/refresh', refreshCookie(goodRefresh))).toBe(401)
  })
})
