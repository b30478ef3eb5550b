import { createKeyRing } from 'rescind'
import { describe, expect, it } from 'vitest'
import { answer, families, forge, keyOf, signAs, startFixture } from './forge.ts'
import { corpus, own, swappedAlgorithms } from './forged-corpus.ts'

describe('A1: forged tokens', () => {
  let total = 0

  it.each(families)('none is accepted under a %s key', async (alg) => {
    const { auth } = await startFixture(own(alg))
    const forged = corpus(alg)
    const accepted: string[] = []
    for (const token of forged) {
      const code = await answer(auth, token, { type: 'any' })
      if (code === 'accepted') accepted.push(token)
      else expect(['token_invalid', 'token_malformed']).toContain(code)
    }
    expect(accepted).toEqual([])
    expect(forged.length).toBeGreaterThanOrEqual(500)
    total += forged.length
    // The control: the very token the corpus was made from, before and after.
    expect(await answer(auth, forge(own(alg)))).toBe('accepted')
  })

  it('none is accepted where keys of all four families stand in one ring', async () => {
    const keys = families.map((alg) => keyOf(own(alg)))
    const [active, ...verifyOnly] = keys
    if (!active) throw new Error('no key')
    const { auth } = await startFixture(own('HS256'), { keys: createKeyRing({ active, verifyOnly }) })
    for (const alg of families) expect(await answer(auth, forge(own(alg)))).toBe('accepted')
    const confused: string[] = []
    for (const signer of families) {
      for (const claimed of families.filter((name) => name !== signer)) {
        const sign = (input: string) => signAs(signer, own(signer).signing, input)
        const kids = [own(claimed).kid, own(signer).kid, undefined]
        for (const kid of kids) confused.push(forge(own(claimed), { header: { alg: claimed, kid }, sign }))
        confused.push(forge(own(signer), { header: { alg: signer, kid: own(claimed).kid } }))
      }
    }
    for (const alg of families.filter((name) => name !== 'HS256')) {
      confused.push(...[...swappedAlgorithms(alg)])
    }
    const codes = await Promise.all(confused.map((token) => answer(auth, token)))
    expect(codes.filter((code) => code === 'accepted')).toEqual([])
    total += confused.length
  })

  it('they were at least 1,000', () => {
    console.log(`A1: ${total} forged tokens, 0 accepted`)
    expect(total).toBeGreaterThanOrEqual(1_000)
  })
})
