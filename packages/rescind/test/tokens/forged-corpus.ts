import { createHmac, createSecretKey } from 'node:crypto'
import { type Algorithm, algorithms } from 'rescind'
import {
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
} from './forge.ts'

const materials = new Map(families.map((alg) => [alg, makeMaterial(alg)]))
const every = Object.keys(algorithms) as Algorithm[]

/** The key of one family that the corpus was forged against. */
export function own(alg: Family): Material {
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
export function* swappedAlgorithms(alg: Family): Generator<string> {
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

/** Over 500 distinct tokens that the key of this family never signed. */
export function corpus(alg: Family): string[] {
  const token = forge(own(alg))
  const forged = new Set([...bitFlips(token), ...movedSignatures(alg), ...swappedAlgorithms(alg), ...foreignKeys(alg)])
  return [...forged]
}
