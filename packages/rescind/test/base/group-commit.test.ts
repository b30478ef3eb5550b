import { eventually } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../src/base/group-commit.ts'

/** A verb whose writes end when the test says so. */
function heldVerb() {
  const writes: { wishes: readonly number[]; finish: () => void; fail: (error: Error) => void }[] = []
  const verb = (wishes: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      writes.push({ wishes, finish: () => resolve(wishes.map((wish) => `answer ${wish}`)), fail: reject })
    })
  const nth = async (n: number) => {
    await eventually(() => writes.length > n)
    return writes[n] as (typeof writes)[number]
  }
  return { verb, writes, nth }
}

describe('group commit', () => {
  it('answers each caller with its own answer, from one write', async () => {
    const calls: (readonly number[])[] = []
    const group = createGroupCommit(async (wishes: readonly number[]) => {
      calls.push(wishes)
      return wishes.map((wish) => wish * 2)
    })
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => group.write(n)))
    expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => n * 2))
    expect(calls).toHaveLength(1)
    expect(group.pending).toBe(0)
  })

  it('gathers what arrives during a write for the next one, in order', async () => {
    const { verb, writes, nth } = heldVerb()
    const group = createGroupCommit(verb, { batch: 3, queue: 100 })
    const first = group.write(0)
    const one = await nth(0)
    const rest = [1, 2, 3, 4].map((n) => group.write(n))
    expect(group.pending).toBe(5)
    one.finish()
    expect(await first).toBe('answer 0')
    const two = await nth(1)
    expect(two.wishes).toEqual([1, 2, 3])
    two.finish()
    const three = await nth(2)
    expect(three.wishes).toEqual([4])
    three.finish()
    expect(await Promise.all(rest)).toEqual(['answer 1', 'answer 2', 'answer 3', 'answer 4'])
    expect(writes).toHaveLength(3)
  })

  it('a failed write fails those whose wishes it carried, and no others', async () => {
    const { verb, nth } = heldVerb()
    const group = createGroupCommit(verb, { batch: 2, queue: 100 })
    const results = Promise.allSettled([0, 1, 2].map((n) => group.write(n)))
    const one = await nth(0)
    one.fail(new Error('the disk is full'))
    const two = await nth(1)
    two.finish()
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(group.pending).toBe(0)
  })

  it('refuses beyond its bound rather than growing, and takes more once there is room', async () => {
    const { verb, nth } = heldVerb()
    const group = createGroupCommit(verb, { batch: 2, queue: 3 })
    const taken = [0, 1, 2].map((n) => group.write(n))
    await expect(group.write(3)).rejects.toMatchObject({ code: 'revocation_unavailable' })
    const one = await nth(0)
    await expect(group.write(3)).rejects.toMatchObject({ code: 'revocation_unavailable' })
    one.finish()
    await taken[0]
    const later = group.write(4)
    const two = await nth(1)
    two.finish()
    expect(await later).toBe('answer 4')
    expect(await Promise.all(taken)).toEqual(['answer 0', 'answer 1', 'answer 2'])
  })

  it('a store that leaves a wish unanswered is an error, not a success', async () => {
    const group = createGroupCommit(async (_wishes: readonly number[]) => [] as readonly string[])
    await expect(group.write(1)).rejects.toMatchObject({ code: 'store_failed' })
  })
})
