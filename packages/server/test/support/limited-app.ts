import { createFakeClock } from 'rescind/testing'
import { onTestFinished } from 'vitest'
import { type Counters, memoryCounters } from '../../src/rate-limits/counters.ts'
import { defaultRateLimits, type RateLimitSettings } from '../../src/rate-limits/settings.ts'
import { type RunningApp, type StartOptions, startApp } from './start-app.ts'

/** What {@link limitedApp} may be started with. */
export type LimitedOptions = StartOptions & { counters?: Counters; guessCounters?: Counters }

/** An application that counts, in memory unless told otherwise, until the test is over. */
export async function limitedApp(
  limits: Partial<RateLimitSettings> = {},
  // Time stands still: on a machine that is busy, a delay of a second would be over before the next guess came.
  {
    counters = memoryCounters({ clock: createFakeClock() }),
    guessCounters = counters,
    ...options
  }: LimitedOptions = {},
): Promise<RunningApp> {
  const app = await startApp({
    rateLimits: { settings: { ...defaultRateLimits, ...limits }, counters, guessCounters },
    ...options,
  })
  onTestFinished(() => app.close())
  return app
}

/** The test is the proxy that says where a request comes from. */
export const behindProxy = { settings: { TRUST_PROXY: '127.0.0.1' } }

/** Tries a password for an account, from a place of one's choice where the application is behind a proxy. */
export const guess = (app: RunningApp, email: string, ip = '198.51.100.1', password = 'wrong-guess') =>
  app.post('/auth/login', { email, password }, { 'x-forwarded-for': ip })
