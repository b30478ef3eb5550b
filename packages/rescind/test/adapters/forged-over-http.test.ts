import { fastify } from 'fastify'
import { fastifyGuard } from 'rescind/fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { families, forge, startFixture } from '../tokens/forge.ts'
import { corpus, own } from '../tokens/forged-corpus.ts'

describe('A2: forged tokens over HTTP, as bearer', () => {
  it.each(families)('none is accepted under a %s key, and none is a fault', async (alg) => {
    const { auth } = await startFixture(own(alg))
    const app = fastify()
    app.decorateRequest('auth', null)
    app.get('/', { onRequest: fastifyGuard(auth, { type: 'any' }) }, () => ({}))
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    const statusOf = async (token: string) => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      await answer.arrayBuffer()
      return answer.status
    }
    const statuses = new Map<number, number>()
    const forged = corpus(alg)
    for (const token of forged) {
      const status = await statusOf(token)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    expect([...statuses]).toEqual([[401, forged.length]])
    expect(forged.length).toBeGreaterThanOrEqual(500)
    expect(await statusOf(forge(own(alg)))).toBe(200)
  })
})
