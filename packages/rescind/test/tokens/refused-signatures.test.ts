import { createHmac, createSecretKey, sign as nodeSign } from 'node:crypto'
import { type Algorithm, algorithms } from 'rescind'
import { describe, expect, it } from 'vitest'
import {
  answer,
  b64,
  bigEndian,
  forge,
  goodClaims,
  goodHeader,
  makeMaterial,
  otherEcdsaTwin,
  P256_ORDER,
  signAs,
  split,
  startFixture,
} from './forge.ts'

const every = Object.keys(algorithms) as Algorithm[]
const fixtures = new Map(
  await Promise.all(every.map(async (alg) => [alg, await startFixture(makeMaterial(alg))] as const)),
)
function fixture(alg: Algorithm) {
  const found = fixtures.get(alg)
  if (!found) throw new Error(`no fixture for ${alg}`)
  return found
}

/** The answer to a good token of `alg` whose signature is `change` of the genuine one. */
function signed(alg: Algorithm, change: (signature: Buffer) => Buffer): Promise<string> {
  const { auth, material } = fixture(alg)
  const sign = (input: string) => change(signAs(alg, material.signing, input))
  return answer(auth, forge(material, { sign }))
}

describe.each(every)('%s', (alg) => {
  it('accepts its own signature, and no other length of it', async () => {
    expect(await signed(alg, (signature) => signature)).toBe('accepted')
    for (const cut of [0, 1, 8, 16, 31]) {
      expect(await signed(alg, (signature) => signature.subarray(0, cut)), `${cut} bytes`).toBe('token_invalid')
    }
    expect(await signed(alg, (signature) => signature.subarray(0, -1))).toBe('token_invalid')
    expect(await signed(alg, (signature) => signature.subarray(1))).toBe('token_invalid')
    expect(await signed(alg, (signature) => Buffer.concat([signature, Buffer.from([0])]))).toBe('token_invalid')
    expect(await signed(alg, (signature) => Buffer.concat([Buffer.from([0]), signature]))).toBe('token_invalid')
    expect(await signed(alg, (signature) => Buffer.concat([signature, signature]))).toBe('token_invalid')
    expect(await signed(alg, (signature) => Buffer.alloc(signature.length))).toBe('token_invalid')
    expect(await signed(alg, (signature) => Buffer.alloc(signature.length, 0xff))).toBe('token_invalid')
  })

  it('accepts no other algorithm name over its own key', async () => {
    const { auth, material } = fixture(alg)
    for (const other of every.filter((name) => name !== alg)) {
      const header = goodHeader(material, { alg: other })
      const token = forge(material, { header, sign: (input) => signAs(alg, material.signing, input) })
      expect(await answer(auth, token), other).toBe('token_invalid')
      if (algorithms[other].kind !== algorithms[alg].kind || algorithms[alg].kind === 'ec') continue
      // Signed as the header says, by the right key: RS256 as PS256, HS256 as HS512 and so on.
      const honest = forge(material, { header, sign: (input) => signAs(other, material.signing, input) })
      expect(await answer(auth, honest), other).toBe('token_invalid')
      const lying = forge(material, { sign: (input) => signAs(other, material.signing, input) })
      expect(await answer(auth, lying), `${other} called ${alg}`).toBe('token_invalid')
    }
  })
})

describe('a public key as HMAC secret', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('refuses it for %s in every spelling', async (alg) => {
    const { auth, material } = fixture(alg)
    const pem = material.verifying.export({ format: 'pem', type: 'spki' }).toString()
    const der = material.verifying.export({ format: 'der', type: 'spki' })
    const jwk = material.verifying.export({ format: 'jwk' })
    const secrets = [pem, pem.trim(), pem.replaceAll('\n', '\r\n'), der, der.toString('base64'), JSON.stringify(jwk)]
    for (const secret of [...secrets, JSON.stringify(auth.jwks()), Buffer.from(jwk.x ?? jwk.n ?? '', 'base64url')]) {
      for (const [hs, hash] of [
        ['HS256', 'sha256'],
        ['HS384', 'sha384'],
        ['HS512', 'sha512'],
      ] as const) {
        for (const kid of [material.kid, undefined]) {
          const sign = (input: string) =>
            createHmac(hash, createSecretKey(Buffer.from(secret)))
              .update(input)
              .digest()
          expect(await answer(auth, forge(material, { header: { alg: hs, kid }, sign }))).toBe('token_invalid')
          expect(await answer(auth, forge(material, { sign }))).toBe('token_invalid')
        }
      }
    }
  })
})

describe('ES256', () => {
  const n = P256_ORDER
  const pair = (r: bigint, s: bigint) => Buffer.concat([bigEndian(r, 32), bigEndian(s, 32)])
  const edges = [0n, 1n, n - 1n, n, n + 1n, (1n << 256n) - 1n]
  it('refuses r and s at the edges of their range (CVE-2022-21449)', async () => {
    for (const r of edges) {
      for (const s of edges) expect(await signed('ES256', () => pair(r, s)), `${r}, ${s}`).toBe('token_invalid')
      expect(await signed('ES256', (genuine) => Buffer.concat([bigEndian(r, 32), genuine.subarray(32)]))).toBe(
        'token_invalid',
      )
      expect(await signed('ES256', (genuine) => Buffer.concat([genuine.subarray(0, 32), bigEndian(r, 32)]))).toBe(
        'token_invalid',
      )
    }
  })
  it('refuses DER, and r and s with leading zeros or swapped', async () => {
    const { auth, material } = fixture('ES256')
    const der = (input: string) => nodeSign('sha256', Buffer.from(input), material.signing)
    expect(await answer(auth, forge(material, { sign: der }))).toBe('token_invalid')
    expect(await signed('ES256', (s) => Buffer.concat([s.subarray(32), s.subarray(0, 32)]))).toBe('token_invalid')
    const zero = Buffer.from([0])
    const wide = (s: Buffer) => Buffer.concat([zero, s.subarray(0, 32), zero, s.subarray(32)])
    expect(await signed('ES256', wide)).toBe('token_invalid')
  })
  it('takes the high-s twin, which the standard allows: it is the same token to a revocation', async () => {
    expect(await signed('ES256', otherEcdsaTwin)).toBe('accepted')
  })
})

describe('EdDSA', () => {
  const L = (1n << 252n) + 27742317777372353535851937790883648493n
  it('refuses S + L and larger, which would be a second signature of the same token', async () => {
    for (const times of [1n, 2n, 7n, 15n]) {
      const shift = (signature: Buffer) => {
        const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + times * L
        return s >= 1n << 256n
          ? Buffer.alloc(64)
          : Buffer.concat([signature.subarray(0, 32), bigEndian(s, 32).reverse()])
      }
      expect(await signed('EdDSA', shift)).toBe('token_invalid')
    }
  })
  it('refuses R of low order with S = 0', async () => {
    for (const first of [0, 1]) {
      const forged = Buffer.alloc(64)
      forged[0] = first
      expect(await signed('EdDSA', () => forged)).toBe('token_invalid')
    }
  })
  it('refuses the fully specified name Ed25519 and Ed448 (RFC 9864), which are not on the list', async () => {
    const { auth, material } = fixture('EdDSA')
    for (const alg of ['Ed25519', 'Ed448', 'eddsa', 'EDDSA']) {
      expect(await answer(auth, forge(material, { header: goodHeader(material, { alg }) }))).toBe('token_invalid')
    }
  })
})

describe('RS256', () => {
  it('refuses a signature with leading zeros, trailing bytes, or plus the modulus', async () => {
    const { material } = fixture('RS256')
    const n = BigInt(
      `0x${Buffer.from(material.verifying.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
    )
    const plusN = (signature: Buffer) => {
      const value = BigInt(`0x${signature.toString('hex')}`) + n
      return bigEndian(value, value >= 1n << 2048n ? 257 : 256)
    }
    expect(await signed('RS256', plusN)).toBe('token_invalid')
    expect(await signed('RS256', (s) => Buffer.concat([s, Buffer.from([0, 0])]))).toBe('token_invalid')
    expect(await signed('RS256', () => bigEndian(1n, 256))).toBe('token_invalid')
    expect(await signed('RS256', () => bigEndian(n - 1n, 256))).toBe('token_invalid')
  })
})

describe('signature before content', () => {
  it('says token_invalid of bad content that nobody signed: nothing in it was read', async () => {
    const { auth, material } = fixture('HS256')
    const [, , signature] = split(forge(material))
    for (const payload of ['[]', 'null', 'x', JSON.stringify(goodClaims({ exp: 1 })), '{"a":1,"a":1}']) {
      const unsigned = `${b64(goodHeader(material))}.${b64(payload)}.${signature}`
      expect(await answer(auth, unsigned)).toBe('token_invalid')
      expect(['token_malformed', 'token_expired']).toContain(await answer(auth, forge(material, { payload })))
    }
  })
})
