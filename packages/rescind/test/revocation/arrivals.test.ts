import { createRescind, type Revocation } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, eventually } from 'rescind/testing'
import { expect, it, onTestFinished } from 'vitest'
import { keys } from '../session/helpers.ts'

/** Two processes on one store, the clock of the second so many milliseconds ahead. */
async function twoProcesses(aheadMs: number) {
  const store = { ...memoryStore(), guarantees: { durable: false, shared: true } }
  const arrived: { record: Revocation; delayMs: number }[] = []
  const start = async (options: object) => {
    const auth = createRescind({ store, keys, ...options })
    onTestFinished(() => auth.close())
    await auth.ready()
    return auth
  }
  const clock = createFakeClock()
  const first = await start({ clock })
  await first.revoke.session('from before')
  const second = await start({
    clock: { now: () => clock.now() + aheadMs, monotonic: () => clock.monotonic() },
    onArrival: (record: Revocation, delayMs: number) => arrived.push({ record, delayMs }),
  })
  return { first, second, arrived }
}

it.each([
  [250, 250],
  [-250, 0],
])('tells how old a revocation of another process is when it comes: clock %d ms ahead', async (aheadMs, delayMs) => {
  const { first, arrived } = await twoProcesses(aheadMs)
  await first.revoke.session('a session')
  await eventually(() => arrived.length > 0)
  expect(arrived).toEqual([{ record: expect.objectContaining({ kind: 'session', id: 'a session' }), delayMs }])
})

it('leaves out what it recorded itself, and what was there before it', async () => {
  const { first, second, arrived } = await twoProcesses(0)
  await second.revoke.session('its own')
  await first.revoke.session('the last')
  await eventually(() => arrived.length > 0)
  expect(arrived.map(({ record }) => (record.kind === 'everything' ? '' : record.id))).toEqual(['the last'])
})
