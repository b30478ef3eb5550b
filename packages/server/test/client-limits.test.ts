import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { createMetrics } from '../src/metrics/metrics.ts'
import { openBackends } from '../src/open-backends.ts'
import { memoryCounters } from '../src/rate-limits/counters.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { createClients } from '../src/services/clients.ts'
import { passwordLimiter } from '../src/services/passwords.ts'
import { bearer, type RunningApp, startApp } from './support/start-app.ts'

const SERVICE_TOKEN = 'a-service-token-of-enough-length-1'

describe('credentials of programs, from one network', () => {
  const counting = createFakeClock()
  let directory: string
  let backends: Backends
  let app: RunningApp
  let good: Record<string, string>
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-client-limits-'))
    backends = await openBackends(readConfig({ DATA_DIR: directory }), () => {})
    const clients = createClients({ records: backends.database.clients, clock: systemClock })
    const { client, secret } = await clients.create({ name: 'x', scopes: ['introspect', 'revocations:read'] })
    good = { authorization: `Basic ${btoa(`${client.id}:${secret}`)}` }
    const settings = { ...defaultRateLimits, client: { count: 3, windowMs: 60_000 } }
    app = await startApp({
      settings: { DATA_DIR: directory },
      rateLimits: { settings, counters: memoryCounters({ clock: counting }) },
      metrics: {
        metrics: createMetrics(),
        passwordQueue: passwordLimiter(),
        readers: { serviceTokens: [SERVICE_TOKEN] },
      },
      revocationFeed: { ledger: backends.store.ledger, serviceTokens: [SERVICE_TOKEN] },
    })
  })
  afterAll(async () => {
    await app.close()
    await backends.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const introspect = (headers: Record<string, string>) =>
    app.post('/oauth/introspect', 'token=x', { ...form, ...headers })
  const find = (headers: Record<string, string>) =>
    app.post('/revocations/find', { jti: 'j', sub: 's', iat_ms: 1 }, headers)
  const measure = (method: string) => (headers: Record<string, string>) =>
    fetch(`${app.url}/metrics`, { method, headers })
  const follow = (headers: Record<string, string>) => fetch(`${app.url}/revocations?until=current`, { headers })

  it.each([
    ['/oauth/introspect', introspect, { authorization: `Basic ${btoa('client_x:secret')}` }],
    ['/revocations/find', find, bearer('not-the-service-token')],
    ['/revocations', follow, {}],
    ['/metrics', measure('GET'), {}],
    // The router answers it wherever there is a GET.
    ['HEAD of /metrics', measure('HEAD'), {}],
  ])('%s: many wrong ones are refused with 429, a good one goes on', async (_path, ask, wrong) => {
    counting.advance(60_000)
    const answers: Response[] = []
    for (let time = 0; time < 5; time += 1) answers.push(await ask(wrong))
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429])
    expect(answers.at(-1)?.headers.get('retry-after')).toBe('60')
    expect((await introspect(good)).status).toBe(200)
    for (const credentials of [good, bearer(SERVICE_TOKEN)]) {
      expect([(await find(credentials)).status, (await follow(credentials)).status]).toEqual([200, 200])
    }
    expect((await ask(wrong)).status).toBe(429)
    counting.advance(60_000)
    expect((await ask(wrong)).status).toBe(401)
  })

  it('are answered with 429 as OAuth and the other routes have it', async () => {
    counting.advance(60_000)
    for (let time = 0; time < 3; time += 1) await introspect({})
    const [oauth, other] = [await introspect({}), await find({})]
    expect(await oauth.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect(await other.json()).toMatchObject({ code: 'rate_limited', status: 429 })
  })
})
