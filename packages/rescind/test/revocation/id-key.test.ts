import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdKeys, KEY_TEXT, KEY_WORDS, uuidOf } from '../../src/revocation/id-key.ts'

const HEX_DIGITS = [...'0123456789abcdef']
const uuid = fc
  .array(fc.constantFrom(...HEX_DIGITS), { minLength: 32, maxLength: 32 })
  .map((digits) => digits.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))

function keyOf(keys: IdKeys, id: string): Int32Array {
  const key = new Int32Array(KEY_WORDS)
  keys.write(id, key, 0)
  return key
}

describe('the key of an id', () => {
  it('is a UUID itself, if the id is one in lower case', () => {
    const keys = new IdKeys()
    fc.assert(
      fc.property(uuid, (id) => {
        const key = keyOf(keys, id)
        expect(key[KEY_TEXT]).toBe(0)
        expect(uuidOf(key, 0)).toBe(id)
      }),
    )
  })

  it('is the hash of a text, if one character makes it no UUID', () => {
    const keys = new IdKeys()
    const other = fc.constantFrom('g', 'A', '-', ' ', '/', ':', '`', '\u0130', '\uff11', '\0')
    fc.assert(
      fc.property(uuid, fc.nat({ max: 35 }), other, (id, at, character) => {
        fc.pre(id[at] !== character)
        expect(keyOf(keys, id.slice(0, at) + character + id.slice(at + 1))[KEY_TEXT]).toBe(1)
      }),
      { numRuns: 1_000 },
    )
  })

  it('hashes a text as HalfSipHash-2-4 does', () => {
    // The reference vectors: the key is 00 01 … 07, the message the first bytes of 00 01 02 …
    const known = [
      '218d1f59b9b83cc8',
      '064f39ef7c50eb57',
      'd5e78a175be52ea1',
      'ce3e91358aa2bc25',
      'edfee820bce4858c',
      '95b0469f06a6f2ee',
      '7bc71f9faef5c799',
    ]
    const keys = new IdKeys((bytes) => {
      for (const n of bytes.keys()) bytes[n] = n
    })
    for (const [characters, hash] of known.entries()) {
      const id = Buffer.from(Array.from({ length: 2 * characters }, (_, n) => n)).toString('utf16le')
      const key = keyOf(keys, id)
      expect(Buffer.from(key.buffer, 0, 8).toString('hex')).toBe(hash)
      expect([...key.subarray(2, 4)]).toEqual([0, 0])
    }
  })

  it('is another in another process', () => {
    const [one, other] = [new IdKeys(), new IdKeys()]
    expect(keyOf(one, 'alice')).toEqual(keyOf(one, 'alice'))
    expect(keyOf(one, 'alice')).not.toEqual(keyOf(other, 'alice'))
    // A UUID is its own key, but where it is kept cannot be foreseen either.
    const id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
    expect(keyOf(one, id)).not.toEqual(keyOf(other, id))
  })
})
