import { eventually } from 'rescind/testing'
import { expect, it } from 'vitest'
import { createMetrics } from '../src/metrics/metrics.ts'
import { createLimiter } from '../src/services/limiter.ts'
import { createPasswords, passwordLimiter } from '../src/services/passwords.ts'
import { SERVICE_TOKEN } from './support/feed-app.ts'
import { expectProblem } from './support/problems.ts'
import { newEmail, PASSWORD, type RunningApp, type StartOptions, startApp } from './support/start-app.ts'

async function withApp(options: StartOptions, work: (app: RunningApp) => Promise<void>): Promise<void> {
  const readers = { serviceTokens: [SERVICE_TOKEN] }
  const metrics = { metrics: createMetrics(), passwordQueue: passwordLimiter(), readers }
  const app = await startApp({ metrics, ...options })
  try {
    await work(app)
  } finally {
    await app.close()
  }
}

const statusOf = async (app: RunningApp, path = '/.well-known/jwks.json') => (await app.get(path)).status

/** Does nothing else, for as long as it says. */
function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

it('sends requests away that a full heap has no room for, and tells when to come back', async () => {
  await withApp({ pressure: { maxHeapBytes: 1, sampleIntervalMs: 20 } }, async (app) => {
    await eventually(async () => (await statusOf(app)) === 503)
    const answer = await app.post('/auth/login', { email: newEmail(), password: PASSWORD })
    const { detail } = await expectProblem(answer, 'overloaded')
    expect(detail).toBe('The service is busy: try again.')
    expect(answer.headers.get('retry-after')).toBe('1')
    // Whoever looks after the process is answered: a busy one is not to be killed for it.
    expect(await statusOf(app, '/health/live')).toBe(200)
    expect(await statusOf(app, '/health/ready')).toBe(200)
    expect((await app.get('/metrics', SERVICE_TOKEN)).status).toBe(200)
  })
})

it('sends requests away while the event loop lags, and takes them again once it does not', async () => {
  await withApp({ pressure: { maxEventLoopDelayMs: 30, sampleIntervalMs: 100 } }, async (app) => {
    expect(await statusOf(app)).toBe(200)
    await eventually(async () => {
      block(150)
      return (await statusOf(app)) === 503
    })
    expect(await statusOf(app, '/health/live')).toBe(200)
    await eventually(async () => (await statusOf(app)) === 200)
  })
})

it('is not moved by a storm of logins, whose passwords are hashed in threads', async () => {
  const passwords = createPasswords(createLimiter({ maxRunning: 1, maxWaiting: 100 }))
  await withApp({ passwords, pressure: {} }, async (app) => {
    const { access_token } = await app.register()
    let over = false
    const storm = Promise.all(
      Array.from({ length: 50 }, () => app.post('/auth/login', { email: newEmail(), password: PASSWORD })),
    ).finally(() => {
      over = true
    })
    const seen = new Set<number>()
    while (!over) seen.add((await app.get('/auth/status', access_token)).status)
    expect([...seen]).toEqual([200])
    for (const answer of await storm) expect(answer.status).toBe(401)
  })
})
