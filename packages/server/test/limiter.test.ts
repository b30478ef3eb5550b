import { eventually } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { createLimiter, type Limiter, type LimiterBounds } from '../src/services/limiter.ts'

/** A limiter whose tasks end when the test says so, in whatever order. */
function heldTasks(bounds: LimiterBounds) {
  const limiter = createLimiter(bounds)
  const started: number[] = []
  const ends = new Map<number, () => void>()
  const task = (id: number, signal?: AbortSignal) =>
    limiter.run(() => {
      started.push(id)
      return new Promise<number>((resolve) => ends.set(id, () => resolve(id)))
    }, signal)
  const end = async (id: number) => {
    await eventually(() => ends.has(id))
    ends.get(id)?.()
  }
  return { limiter, started, task, end }
}

async function isFree(limiter: Limiter): Promise<boolean> {
  return (await limiter.run(async () => 'ran')) === 'ran'
}

describe('the limiter', () => {
  it('runs so many at a time, in order, and refuses past the queue', async () => {
    const { started, task, end } = heldTasks({ maxRunning: 2, maxWaiting: 3 })
    const results = [0, 1, 2, 3, 4].map((id) => task(id))
    await expect(task(5)).rejects.toMatchObject({ code: 'overloaded' })
    await new Promise(setImmediate)
    expect(started).toEqual([0, 1])
    for (let done = 0; done < 5; done += 1) {
      await end(done)
      await new Promise(setImmediate)
      expect(started.length).toBeLessThanOrEqual(done + 3)
    }
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4])
    expect(started).toEqual([0, 1, 2, 3, 4])
  })

  it('frees the place of a task that fails', async () => {
    const limiter = createLimiter({ maxRunning: 1, maxWaiting: 0 })
    for (let round = 0; round < 3; round += 1) {
      await expect(limiter.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    }
    expect(await isFree(limiter)).toBe(true)
  })

  it('refuses what waited too long, and goes on with the rest', async () => {
    const { limiter, started, task, end } = heldTasks({ maxRunning: 1, maxWaiting: 2, maxWaitMs: 5 })
    const first = task(0)
    const late = [task(1), task(2)]
    for (const refused of late) await expect(refused).rejects.toMatchObject({ code: 'overloaded' })
    expect(limiter.waiting).toBe(0)
    await end(0)
    expect(await first).toBe(0)
    expect(await isFree(limiter)).toBe(true)
    expect(started).toEqual([0])
  })

  it('does not cut off a task that runs for longer than one may wait', async () => {
    const { started, task, end } = heldTasks({ maxRunning: 1, maxWaiting: 1, maxWaitMs: 5 })
    const running = task(0)
    await expect(task(1)).rejects.toMatchObject({ code: 'overloaded' })
    await end(0)
    expect(await running).toBe(0)
    expect(started).toEqual([0])
  })

  it('lets go of a task that is abandoned in the queue, and keeps the order of the others', async () => {
    const { limiter, started, task, end } = heldTasks({ maxRunning: 1, maxWaiting: 3 })
    const leaving = new AbortController()
    const results = [task(0), task(1), task(3)]
    const abandoned = task(2, leaving.signal)
    leaving.abort()
    await expect(abandoned).rejects.toMatchObject({ code: 'overloaded' })
    expect(limiter.waiting).toBe(2)
    // Its place is free again.
    results.push(task(4))
    for (const id of [0, 1, 3, 4]) await end(id)
    expect(await Promise.all(results)).toEqual([0, 1, 3, 4])
    expect(started).toEqual([0, 1, 3, 4])
  })

  it('does not begin for a client that is gone already, and leaves a running task to end', async () => {
    const { limiter, task, end } = heldTasks({ maxRunning: 1, maxWaiting: 1 })
    await expect(task(0, AbortSignal.abort())).rejects.toMatchObject({ code: 'overloaded' })
    const leaving = new AbortController()
    const running = task(1, leaving.signal)
    leaving.abort()
    await end(1)
    expect(await running).toBe(1)
    expect(await isFree(limiter)).toBe(true)
  })

  it('tells how many run, wait and were refused, but not of those who left by themselves', async () => {
    const { limiter, task, end } = heldTasks({ maxRunning: 1, maxWaiting: 1 })
    const figures = () => [limiter.running, limiter.waiting, limiter.refused]
    const first = task(0)
    const leaving = new AbortController()
    const second = task(1, leaving.signal)
    await expect(task(2)).rejects.toMatchObject({ code: 'overloaded' })
    expect(figures()).toEqual([1, 1, 1])
    leaving.abort()
    await expect(second).rejects.toMatchObject({ code: 'overloaded' })
    expect(figures()).toEqual([1, 0, 1])
    await end(0)
    await first
    expect(figures()).toEqual([0, 0, 1])
  })
})
