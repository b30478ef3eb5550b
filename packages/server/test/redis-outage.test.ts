import { createFakeClock } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { createRedisOutage } from '../src/rate-limits/redis-outage.ts'

const REST_MS = 1_000

function openOutage() {
  const warnings: string[] = []
  const clock = createFakeClock()
  const outage = createRedisOutage((message) => warnings.push(message), clock)
  return { warnings, clock, outage }
}

const failed = 'each instance counts its rate limits for itself, since Redis fails: gone'
const over = 'the rate limits are counted in Redis again'

describe('an outage of Redis', () => {
  it('is told once, also where answers of requests under way come between the failures', () => {
    const { warnings, outage } = openOutage()
    for (let at = 0; at < 20; at += 1) {
      outage.failed(new Error('gone'))
      outage.answered()
    }
    expect(warnings).toEqual([failed])
    expect(outage.isResting()).toBe(true)
  })

  it('is over with the first answer after the rest, and told anew when it comes again', () => {
    const { warnings, clock, outage } = openOutage()
    outage.answered()
    expect(warnings).toEqual([])
    outage.failed(new Error('gone'))
    clock.advance(REST_MS - 1)
    outage.answered()
    expect(warnings).toEqual([failed])
    clock.advance(1)
    expect(outage.isResting()).toBe(false)
    outage.answered()
    outage.answered()
    expect(warnings).toEqual([failed, over])
    outage.failed(new Error('gone'))
    expect(warnings).toEqual([failed, over, failed])
  })
})
