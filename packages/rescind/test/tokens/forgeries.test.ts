import { createHmac, createSecretKey } from 'node:crypto'
import { type Algorithm, algorithms, createKey, createKeyRing } from 'rescind'
import { describe, expect, it } from 'vitest'
import {
  answer,
  b64,
  type Family,
  families,
  forge,
  goodClaims,
  goodHeader,
  type Material,
  makeMaterial,
  signAs,
  split,
  startFixture,
} from './forge.ts'

const materials = new Map(families.map((alg) => [alg, makeMaterial(alg)]))
const every = Object.keys(algorithms) as Algorithm[]

function own(alg: Family): Material {
  const material = materials.get(alg)
  if (!material) throw new Error(`no key for ${alg}`)
  return material
}

const tamperedClaims = [
  { sub: 'admin' },
  { sub: 'bob', sid: 'session-2' },
  { exp: 9_999_999_999 },
  { type: 'refresh' },
  { fresh: true },
  { jti: 'token-2' },
  { sid: undefined },
  { aud: ['api', 'admin'] },
  { roles: ['admin'] },
]

/** Bits of genuine signatures, payloads and headers turned over. */
function* bitFlips(token: string): Generator<string> {
  const segments = split(token)
  for (const [at, segment] of segments.entries()) {
    const bytes = Buffer.from(segment, 'base64url')
    for (let byte = 0; byte < bytes.length; byte += 1) {
      const flipped = Buffer.from(bytes)
      flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (byte % 8))
      yield segments.with(at, b64(flipped)).join('.')
    }
  }
}

/** Signatures taken off, cut, lengthened, or of another token. */
function* movedSignatures(alg: Family): Generator<string> {
  const material = own(alg)
  const [header, payload, signature] = split(forge(material))
  const bytes = Buffer.from(signature, 'base64url')
  for (let length = 0; length < bytes.length; length += 1)
    yield `${header}.${payload}.${b64(bytes.subarray(0, length))}`
  for (let extra = 1; extra <= 8; extra += 1)
    yield `${header}.${payload}.${b64(Buffer.concat([bytes, Buffer.alloc(extra)]))}`
  yield `${header}.${payload}`
  yield `${header}.${payload}.${header}`
  yield `${header}.${payload}.${payload}`
  yield `${payload}.${header}.${signature}`
  yield `${header}.${header}.${signature}`
  const others = tamperedClaims.map((changes) => split(forge(material, { payload: goodClaims(changes) })))
  for (const [otherHeader, otherPayload, otherSignature] of others) {
    yield `${header}.${otherPayload}.${signature}`
    yield `${header}.${payload}.${otherSignature}`
    yield `${otherHeader}.${otherPayload}.`
  }
  for (const changes of [{ kid: undefined }, { typ: 'at+jwt' }, { kid: 'key-2' }, { x: 1 }]) {
    yield `${b64(goodHeader(material, changes))}.${payload}.${signature}`
  }
}

/** Other names of algorithms over a genuine signature, no signature, and what a confused verifier would compute. */
function* swappedAlgorithms(alg: Family): Generator<string> {
  const material = own(alg)
  const [, payload, signature] = split(forge(material))
  const names = [...every.filter((name) => name !== alg), 'none', 'None', 'NONE', 'nOnE', 'none ', '', 'HS1', 'ES256K']
  for (const name of names) {
    for (const kid of [material.kid, undefined]) {
      const header = b64(goodHeader(material, { alg: name, kid }))
      yield `${header}.${payload}.${signature}`
      yield `${header}.${payload}.`
      yield `${header}.${payload}.${b64(Buffer.alloc(64))}`
    }
  }
  if (alg === 'HS256') return
  const pem = material.verifying.export({ format: 'pem', type: 'spki' }).toString()
  const der = material.verifying.export({ format: 'der', type: 'spki' })
  const jwk = JSON.stringify(material.verifying.export({ format: 'jwk' }))
  for (const secret of [
    pem,
    pem.trim(),
    `${pem}\n`,
    pem.replaceAll('\n', '\r\n'),
    der,
    b64(der),
    jwk,
    `\ufeff${pem}`,
  ]) {
    for (const [name, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
      [alg, 'sha256'],
    ] as const) {
      const sign = (input: string) =>
        createHmac(hash, createSecretKey(Buffer.from(secret)))
          .update(input)
          .digest()
      yield forge(material, { header: goodHeader(material, { alg: name }), sign })
      yield forge(material, { header: { alg: name }, sign })
    }
  }
}

// RSA keys are slow to make: one stranger each, many tokens.
const strangers = new Map(families.map((alg) => [alg, makeMaterial(alg, `key-${alg}`)]))

/** Genuine signatures of keys that are not ours, with our kid, none, and travelling in the header. */
function* foreignKeys(alg: Family): Generator<string> {
  const material = own(alg)
  const stranger = strangers.get(alg) ?? material
  const jwk = alg === 'HS256' ? { kty: 'oct' } : stranger.verifying.export({ format: 'jwk' })
  const foreignHeaders = [
    {},
    { kid: undefined },
    { kid: 'other' },
    { jwk },
    { jwk, kid: undefined },
    { jku: 'https://a.example' },
  ]
  for (const changes of tamperedClaims) {
    for (const header of foreignHeaders) {
      yield forge(stranger, { header: goodHeader(stranger, header), payload: goodClaims(changes) })
    }
  }
  for (const other of families.filter((name) => name !== alg)) {
    const theirs = own(other)
    const sign = (input: string) => signAs(other, theirs.signing, input)
    for (const kid of [material.kid, theirs.kid, undefined]) {
      yield forge(material, { header: goodHeader(material, { kid }), sign })
      yield forge(material, { header: goodHeader(material, { kid, alg: other }), sign })
    }
  }
}

function corpus(alg: Family): string[] {
  const token = forge(own(alg))
  const forged = new Set([...bitFlips(token), ...movedSignatures(alg), ...swappedAlgorithms(alg), ...foreignKeys(alg)])
  return [...forged]
}

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
    const keys = families.map((alg) => createKey(own(alg).signing, { alg, kid: own(alg).kid }))
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
