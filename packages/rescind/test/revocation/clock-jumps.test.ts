import { createRescind, type RescindOptions } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, type FakeClock } from 'rescind/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { keys, outcome, verdict } from '../session/helpers.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const jumps: [name: string, jump: (clock: FakeClock) => void][] = [
  ['an hour ahead and back', (clock) => thereAndBack(clock, HOUR)],
  ['a day ahead and back', (clock) => thereAndBack(clock, DAY)],
  ['forty days ahead and back', (clock) => thereAndBack(clock, 40 * DAY)],
  ['an hour back and ahead', (clock) => thereAndBack(clock, -HOUR)],
  ['a day back and ahead', (clock) => thereAndBack(clock, -DAY)],
]

/** While the clock is wrong, the sweep runs and everything that looks expired may be forgotten. */
function thereAndBack(clock: FakeClock, ms: number): void {
  const start = clock.now()
  clock.jump(start + ms)
  vi.advanceTimersByTime(30_000)
  clock.jump(start)
}

async function open(options: Partial<RescindOptions> = {}) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const clock = createFakeClock()
  const auth = createRescind({ store: memoryStore(), keys, ...options, clock })
  onTestFinished(async () => {
    await auth.close()
    vi.useRealTimers()
  })
  await auth.ready()
  return { auth, clock }
}

describe.each(jumps)('a clock that jumps %s', (_name, jump) => {
  it('brings nothing back, and refuses nothing innocent', async () => {
    const { auth, clock } = await open()
    const dead = {
      token: await auth.issue({ sub: 'token' }),
      session: await auth.issue({ sub: 'session' }),
      subject: await auth.issue({ sub: 'subject' }),
    }
    const live = await auth.issue({ sub: 'live' })
    await auth.revoke.token({ jti: (await auth.verify(dead.token.accessToken)).jti })
    await auth.revoke.session(dead.session.sid)
    await auth.revoke.subject('subject')
    jump(clock)
    await settle()
    for (const [kind, pair] of Object.entries(dead)) {
      expect(await verdict(auth, pair.accessToken), kind).toBe('token_revoked')
    }
    for (const kind of ['session', 'subject'] as const) {
      expect(await outcome(auth.refresh(dead[kind].refreshToken)), kind).toBe('token_revoked')
    }
    expect(await verdict(auth, live.accessToken)).toBe('ok')
    expect(await outcome(auth.refresh(live.refreshToken))).toBe('ok')
  })

  it('keeps a spent refresh token spent', async () => {
    const { auth, clock } = await open()
    const first = await auth.issue({ sub: 'alice' })
    const second = await auth.refresh(first.refreshToken)
    await auth.refresh(second.refreshToken)
    jump(clock)
    await settle()
    expect(await outcome(auth.refresh(first.refreshToken))).toBe('refresh_token_reused')
  })

  it('a login while the clock is wrong can be revoked all the same', async () => {
    const { auth, clock } = await open()
    const start = clock.now()
    clock.jump(start + HOUR)
    const early = await auth.issue({ sub: 'alice' })
    clock.jump(start)
    await auth.revoke.subject('alice')
    clock.jump(start + HOUR)
    expect(await verdict(auth, early.accessToken)).toBe('token_revoked')
    expect(await outcome(auth.refresh(early.refreshToken))).toBe('token_revoked')
    jump(clock)
  })
})

/** The sweep waits for the store between its pieces. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
