import fc from 'fast-check'
import { jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  AUDIENCE,
  answer,
  b64,
  type Family,
  type Fixture,
  families,
  forge,
  goodClaims,
  goodHeader,
  ISSUER,
  type Json,
  makeMaterial,
  NOW,
  NOW_MS,
  signAs,
  split,
  startFixture,
  trailingBitTwins,
} from './forge.ts'

// jose, an independent implementation, is the oracle: what we accept, it must accept.

const fixtures = new Map<Family, Fixture>()
for (const alg of families) fixtures.set(alg, await startFixture(makeMaterial(alg)))
function fixture(alg: Family): Fixture {
  const found = fixtures.get(alg)
  if (!found) throw new Error(`no fixture for ${alg}`)
  return found
}

async function joseAccepts(alg: Family, token: string): Promise<boolean> {
  try {
    await jwtVerify(token, fixture(alg).material.verifying, {
      algorithms: [alg],
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: new Date(NOW_MS),
      clockTolerance: 0,
    })
    return true
  } catch {
    return false
  }
}

/** One change to a token. Each takes a token apart and gives one back, which is often no token any more. */
type Mutation = (token: string, alg: Family) => string

const position = fc.double({ min: 0, max: 0.999_999, noNaN: true })
const character = fc.oneof(
  fc.constantFrom(...'ABCxyz0189-_=+/. \n\r\t\0"\u00a0'),
  fc.string({ minLength: 1, maxLength: 1 }),
)

const textMutation: fc.Arbitrary<Mutation> = fc
  .tuple(position, character, fc.constantFrom('replace', 'insert', 'remove', 'append', 'prepend'))
  .map(([where, char, kind]) => (token) => {
    const at = Math.floor(where * token.length)
    if (kind === 'append') return token + char
    if (kind === 'prepend') return char + token
    return token.slice(0, at) + (kind === 'remove' ? '' : char) + token.slice(kind === 'insert' ? at : at + 1)
  })

const segmentMutation: fc.Arbitrary<Mutation> = fc
  .tuple(fc.nat(2), fc.nat(2), fc.constantFrom('swap', 'copy', 'drop', 'twin'))
  .map(([from, to, kind]) => (token) => {
    const segments = token.split('.')
    const source = segments[from] ?? ''
    if (kind === 'drop') return segments.toSpliced(from, 1).join('.')
    if (kind === 'twin') return segments.with(from % segments.length, trailingBitTwins(source)[to] ?? source).join('.')
    const target = to % segments.length
    const copied = segments.with(target, source)
    return (kind === 'copy' ? copied : copied.with(from % segments.length, segments[target] ?? '')).join('.')
  })

const numericDate = fc.oneof(
  fc.integer({ min: NOW - 3, max: NOW + 3 }),
  fc.integer({ min: -3_000, max: 3_000 }).map((ms) => NOW + ms / 1000),
  fc.constantFrom(0, -1, NOW + 600, 1e12, 1e300, 8.64e12),
)
const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('', 'access', 'refresh', 'alice', ISSUER, AUDIENCE))
const claimEdit = fc.oneof(
  fc.tuple(fc.constantFrom('exp', 'nbf', 'iat'), fc.oneof(numericDate, numericDate, anything)),
  fc.tuple(
    fc.constantFrom('iss', 'sub', 'aud', 'jti', 'sid', 'type', 'fresh'),
    fc.oneof(anything, fc.constant(undefined)),
  ),
  fc.tuple(fc.constant('aud'), fc.constantFrom([AUDIENCE], ['x', AUDIENCE], [], ['x'], { api: 1 })),
  fc.tuple(fc.constant('iss'), fc.constantFrom([ISSUER], `${ISSUER}/`, ISSUER.toUpperCase())),
  fc.tuple(fc.string(), fc.jsonValue()),
)
const headerEdit = fc.oneof(
  fc.tuple(fc.constantFrom('alg', 'typ', 'kid', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip', 'cty'), fc.jsonValue()),
  fc.tuple(fc.constant('alg'), fc.constantFrom<unknown>(...families, 'none', 'HS384', undefined)),
  fc.tuple(fc.constant('typ'), fc.constantFrom<unknown>('JWT', 'at+jwt', 'x', undefined)),
  fc.tuple(fc.constant('crit'), fc.constantFrom<unknown>(['b64'], [], ['exp'])),
  fc.tuple(fc.constant('kid'), fc.constantFrom<unknown>('', 'other', undefined)),
)

/** Changes a member of header or payload; signs again or leaves the old signature; writes the JSON in its own way. */
const jsonMutation: fc.Arbitrary<Mutation> = fc
  .record({
    part: fc.oneof(
      claimEdit.map((edit) => ({ at: 1 as const, edit })),
      headerEdit.map((edit) => ({ at: 0 as const, edit })),
    ),
    resign: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    space: fc.constantFrom('', ' ', '\t'),
    duplicate: fc.boolean(),
  })
  .map(({ part, resign, space, duplicate }) => (token, alg) => {
    const segments = token.split('.')
    let json: Json
    try {
      json = JSON.parse(Buffer.from(segments[part.at] ?? '', 'base64url').toString('utf8'))
    } catch {
      return token
    }
    const [name, value] = part.edit
    let text = JSON.stringify({ ...json, [name]: value }, null, space)
    if (duplicate && space === '\t') text = text.replace('{', `{${JSON.stringify(name)}:0,`)
    const changed = segments.with(part.at, b64(text))
    if (!resign) return changed.join('.')
    const input = changed.slice(0, 2).join('.')
    return `${input}.${signAs(alg, fixture(alg).material.signing, input).toString('base64url')}`
  })

const mutations = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: textMutation },
    { weight: 1, arbitrary: segmentMutation },
    { weight: 6, arbitrary: jsonMutation },
  ),
  { minLength: 1, maxLength: 3 },
)

describe('whatever we accept, jose accepts', () => {
  it.each(families)('of mutated %s tokens', async (alg) => {
    const { auth, material } = fixture(alg)
    const counts = { both: 0, neither: 0, joseOnly: 0 }
    await fc.assert(
      fc.asyncProperty(mutations, async (steps) => {
        const token = steps.reduce((current, step) => step(current, alg), forge(material))
        const ours = (await answer(auth, token, { type: 'any' })) === 'accepted'
        const theirs = await joseAccepts(alg, token)
        counts[ours ? 'both' : theirs ? 'joseOnly' : 'neither'] += 1
        expect(theirs || !ours, token).toBe(true)
      }),
      { numRuns: 1_000 },
    )
    console.log(`differential ${alg}: ${JSON.stringify(counts)}`)
    // The property had work to do: some mutants were good tokens still, and we were the stricter side for some.
    expect(counts.both).toBeGreaterThan(50)
    expect(counts.neither).toBeGreaterThan(50)
    expect(counts.joseOnly).toBeGreaterThan(20)
  })
})

describe('jose accepts these, and we refuse them', () => {
  const alg = 'HS256'
  const { auth, material } = fixture(alg)
  const good = forge(material)
  const [header, payload, signature] = split(good)
  const text = JSON.stringify(goodClaims())
  const headerText = JSON.stringify(goodHeader(material))
  const claims = (changes: Json) => forge(material, { payload: goodClaims(changes) })
  const head = (changes: Json) => forge(material, { header: goodHeader(material, changes) })
  const within = (members: string) => forge(material, { payload: text.replace(/\}$/, `,${members}}`) })

  it('both accept the control', async () => {
    expect(await answer(auth, good)).toBe('accepted')
    expect(await joseAccepts(alg, good)).toBe(true)
  })

  it.each([
    ['unused bits of the signature set', `${header}.${payload}.${trailingBitTwins(signature)[0]}`, 'token_malformed'],
    ['a padded signature', `${good}=`, 'token_malformed'],
    ['a header member twice', forge(material, { header: headerText.replace('{', '{"typ":"x",') }), 'token_malformed'],
    ['a claim twice', within('"sub":"admin"'), 'token_malformed'],
    ['a claim twice, once escaped', within('"s\\u0075b":"admin"'), 'token_malformed'],
    ['a nested member twice', within('"x":{"a":1,"a":2}'), 'token_malformed'],
    ['a claim __proto__', within('"__proto__":{"admin":true}'), 'token_malformed'],
    ['deep nesting', within(`"x":${'['.repeat(100)}${']'.repeat(100)}`), 'token_malformed'],
    ['a byte order mark in the payload', forge(material, { payload: `\ufeff${text}` }), 'token_malformed'],
    ['more than 8 KiB', claims({ fill: 'x'.repeat(9000) }), 'token_malformed'],
    ['no exp', claims({ exp: undefined }), 'token_malformed'],
    ['no iat', claims({ iat: undefined }), 'token_malformed'],
    ['no jti', claims({ jti: undefined }), 'token_malformed'],
    ['no sub', claims({ sub: undefined }), 'token_malformed'],
    ['no type', claims({ type: undefined }), 'token_malformed'],
    ['another type', claims({ type: 'id' }), 'token_malformed'],
    ['a number as sub', claims({ sub: 1 }), 'token_malformed'],
    ['an array as jti', claims({ jti: ['token-1'] }), 'token_malformed'],
    ['an object as sid', claims({ sid: {} }), 'token_malformed'],
    ['an exp no Date can hold', claims({ exp: 1e300 }), 'token_malformed'],
    ['a negative nbf', claims({ nbf: -1 }), 'token_malformed'],
    ['an iat in the future', claims({ iat: NOW + 60 }), 'token_invalid'],
    ['an unknown kid', head({ kid: 'other' }), 'token_invalid'],
    ['a number as kid', head({ kid: 1 }), 'token_malformed'],
    ['a typ of another kind', head({ typ: 'dpop+jwt' }), 'token_invalid'],
    ['a key in the header', head({ jwk: { kty: 'oct', k: 'AAAA' } }), 'token_invalid'],
    ['a key address in the header', head({ jku: 'https://attacker.example' }), 'token_invalid'],
    ['a certificate address in the header', head({ x5u: 'https://attacker.example' }), 'token_invalid'],
    ['certificates in the header', head({ x5c: ['MIIB'] }), 'token_invalid'],
    ['b64 without crit', head({ b64: false }), 'token_invalid'],
    ['zip', head({ zip: 'DEF' }), 'token_invalid'],
    ['enc', head({ enc: 'A128GCM' }), 'token_invalid'],
  ])('%s', async (_name, token, code) => {
    expect(await answer(auth, token)).toBe(code)
    expect(await joseAccepts(alg, token)).toBe(true)
  })
})

describe('both refuse these', () => {
  const { auth, material } = fixture('HS256')
  it.each([
    ['crit', forge(material, { header: goodHeader(material, { crit: ['x'], x: 1 }) })],
    ['crit with b64', forge(material, { header: goodHeader(material, { crit: ['b64'], b64: false }) })],
    ['none', `${b64({ alg: 'none' })}.${b64(goodClaims())}.`],
    ['an issuer in an array', forge(material, { payload: goodClaims({ iss: [ISSUER] }) })],
    ['the signature in the standard alphabet', standardAlphabet()],
    ['an array as payload', forge(material, { payload: [goodClaims()] })],
  ])('%s', async (_name, token) => {
    expect(await answer(auth, token)).not.toBe('accepted')
    expect(await joseAccepts('HS256', token)).toBe(false)
  })

  /** A token whose signature needs one of the two letters in which the alphabets differ. */
  function standardAlphabet(): string {
    for (let at = 0; ; at += 1) {
      const [first, second, third] = split(forge(material, { payload: goodClaims({ jti: `token-${at}` }) }))
      if (/[-_]/.test(third)) return `${first}.${second}.${third.replaceAll('-', '+').replaceAll('_', '/')}`
    }
  }
})
