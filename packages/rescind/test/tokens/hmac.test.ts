import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { createKey } from 'rescind'
import { describe, expect, it } from 'vitest'

const algorithms = [
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
] as const

describe('an HMAC', () => {
  // RFC 4231 §4.2 to §4.4 and §4.7: the secrets of its first cases are shorter than RFC 7518 allows.
  const cases = [
    ['0b'.repeat(20), Buffer.from('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      '4a656665',
      Buffer.from('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      'aa'.repeat(131),
      Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ] as const

  it.each(cases)('is that of RFC 4231', async (secret, data, mac) => {
    const key = createKey(Buffer.from(secret, 'hex'), { alg: 'HS256', allowWeakSecret: true })
    const signature = Buffer.from(mac, 'hex').toString('base64url')
    expect(await key.sign(data.toString())).toBe(signature)
    expect(await key.verify(data.toString(), signature)).toBe(true)
  })

  it.each(algorithms)("%s is that of Node's own object, for secrets and texts of any length", (alg, hash) => {
    const secrets = fc.uint8Array({ minLength: 64, maxLength: 300 })
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.integer({ min: 8_000, max: 8_400 }).map((length) => 'é'.repeat(length)),
    )
    fc.assert(
      fc.asyncProperty(secrets, texts, async (secret, text) => {
        const key = createKey(secret, { alg, allowWeakSecret: true })
        const expected = createHmac(hash, secret).update(text).digest('base64url')
        expect(await key.sign(text)).toBe(expected)
        expect(await key.verify(text, expected)).toBe(true)
        expect(await key.verify(text, `${expected.slice(1)}A`)).toBe(expected === `${expected.slice(1)}A`)
      }),
    )
  })

  it('takes no text for another that has the same low bytes', async () => {
    const key = createKey('a secret of at least thirty-two bytes', { alg: 'HS256' })
    expect(await key.sign('\u0141')).not.toBe(await key.sign('A'))
    expect(await key.sign('\u00e9')).not.toBe(await key.sign('\u01e9'))
  })
})
