import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RuntimeCrypto } from '../../src/crypto/crypto.ts'
import * as node from '../../src/crypto/node.ts'
import * as web from '../../src/crypto/web.ts'

// Both export exactly this: what one lacks does not compile.
const implementations: Record<'node' | 'web', RuntimeCrypto> = { node, web }

const parts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 200 })), { maxLength: 4 })
const nearlyBase64Url = fc.string({
  unit: fc.constantFrom(...'ABYZabyz0189-_', '=', '+', '/', ' ', 'é'),
  maxLength: 20,
})

describe('the WebCrypto path answers what Node answers', () => {
  it('exports the same names', () => {
    expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort())
    expect(Object.keys(implementations.web).length).toBeGreaterThan(5)
  })

  it('to sha256, of the vectors of FIPS 180-4, of any parts, and around the ends of a block', () => {
    const digest = (text: string) => Buffer.from(web.sha256(text)).toString('hex')
    expect(digest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(digest('a'.repeat(1_000_000))).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0')
    fc.assert(fc.property(parts, (given) => hexOf(web.sha256(...given)) === hexOf(node.sha256(...given))))
    for (let length = 0; length < 200; length += 1) {
      const bytes = randomBytes(length)
      expect(hexOf(web.sha256(bytes)), `${length} bytes`).toBe(hexOf(node.sha256(bytes)))
    }
  })

  it('to base64url, and it takes the canonical spelling alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.string({ unit: 'binary' }),
        nearlyBase64Url,
        (bytes, text, near) => {
          const written = web.encodeBase64Url(bytes)
          expect(written).toBe(node.encodeBase64Url(bytes))
          expect(hexOf(web.decodeBase64Url(written))).toBe(hexOf(bytes))
          expect(web.encodeBase64Url(text)).toBe(node.encodeBase64Url(text))
          for (const odd of [near, text, `${written}=`, `${written}A`]) {
            expect(hexOf(web.decodeBase64Url(odd)), odd).toBe(hexOf(node.decodeBase64Url(odd)))
          }
        },
      ),
    )
  })

  it('to sameBytes', () => {
    const few = fc.uint8Array({ maxLength: 3, max: 2 })
    fc.assert(
      fc.property(few, few, (a, b) => {
        expect(web.sameBytes(a, b)).toBe(node.sameBytes(a, b))
        expect(web.sameBytes(a, a.slice())).toBe(true)
        expect(web.sameBytes(a, Uint8Array.of(...a, 0))).toBe(false)
        expect(web.sameBytes(Uint8Array.of(...a, 0), a)).toBe(false)
      }),
    )
  })

  it('to fillRandom: it fills all, however much', () => {
    for (const { fillRandom } of Object.values(implementations)) {
      const bytes = new Uint8Array(200_000)
      fillRandom(bytes)
      for (let at = 0; at < bytes.length; at += 20_000) {
        expect(new Set(bytes.subarray(at, at + 20_000)).size, `from ${at}`).toBe(256)
      }
    }
  })
})

function hexOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}
