import { describe, expect, it } from 'vitest'
import {
  AUDIENCE,
  answer,
  forge,
  goodClaims,
  ISSUER,
  type Json,
  makeMaterial,
  NOW,
  rawClaims,
  startFixture,
} from './forge.ts'

const material = makeMaterial('HS256')
const { auth, clock } = await startFixture(material)
const withClaims = (changes: Json) => answer(auth, forge(material, { payload: goodClaims(changes) }))
const withText = (payload: string | Buffer) => answer(auth, forge(material, { payload }))

// Each of these, in place of a NumericDate, is no NumericDate. The signature is genuine in this whole file.
const noDates = [
  '"1700000000"',
  '"9999999999"',
  '""',
  '[]',
  '[1700000000]',
  '[9999999999]',
  '{}',
  '{"valueOf":1}',
  'null',
  'true',
  'false',
  '1e400',
  '-1e400',
  '-1',
  '-0.5',
  '"NaN"',
  '"Infinity"',
  '1e300',
  '8640000000001',
  '1700000000000000',
]

describe('exp, nbf and iat', () => {
  it.each(['exp', 'nbf', 'iat'].flatMap((name) => noDates.map((text) => [name, text] as const)))(
    'refuses %s: %s',
    async (name, text) => {
      expect(await withText(rawClaims(name, text))).toBe('token_malformed')
    },
  )

  it.each([['NaN'], ['Infinity'], ['0x65'], ['1_000'], ['+1'], ['01'], ['.5'], ['undefined']])(
    'refuses %s, which is no JSON',
    async (text) => {
      for (const name of ['exp', 'nbf', 'iat']) expect(await withText(rawClaims(name, text))).toBe('token_malformed')
    },
  )

  it('requires exp and iat; nbf may be missing', async () => {
    expect(await withClaims({ exp: undefined })).toBe('token_malformed')
    expect(await withClaims({ iat: undefined })).toBe('token_malformed')
    expect(await withClaims({ nbf: undefined })).toBe('accepted')
    expect(await withClaims({ Exp: NOW + 600, exp: undefined })).toBe('token_malformed')
  })

  it('refuses from the very second of exp on', async () => {
    expect(await withClaims({ exp: NOW + 1 })).toBe('accepted')
    expect(await withClaims({ exp: NOW + 0.001 })).toBe('accepted')
    for (const exp of [NOW, NOW - 1, 1, 0, -0]) expect(await withClaims({ exp }), `${exp}`).toBe('token_expired')
  })

  it('refuses nbf and iat in the future', async () => {
    for (const name of ['nbf', 'iat']) {
      expect(await withClaims({ [name]: NOW - 1 })).toBe('accepted')
      expect(await withClaims({ [name]: NOW })).toBe('accepted')
      for (const ahead of [0.001, 1, 3600, 1e9]) expect(await withClaims({ [name]: NOW + ahead })).toBe('token_invalid')
    }
  })

  it('refuses an expired token although it was cached while it was good', async () => {
    const token = forge(material, { payload: goodClaims({ exp: NOW + 1, jti: 'short-lived' }) })
    expect(await answer(auth, token)).toBe('accepted')
    clock.advance(999)
    expect(await answer(auth, token)).toBe('accepted')
    clock.advance(1)
    expect(await answer(auth, token)).toBe('token_expired')
    clock.jump(NOW * 1000)
  })

  it('applies leeway and tolerance, to the millisecond', async () => {
    const { auth: lenient } = await startFixture(material, { leewayMs: 1000, clockToleranceMs: 500 })
    const at = (changes: Json) => answer(lenient, forge(material, { payload: goodClaims(changes) }))
    expect(await at({ exp: NOW - 0.999 })).toBe('accepted')
    expect(await at({ exp: NOW - 1 })).toBe('token_expired')
    expect(await at({ nbf: NOW + 1.5, iat: NOW + 1.5 })).toBe('accepted')
    expect(await at({ nbf: NOW + 1.501 })).toBe('token_invalid')
    expect(await at({ iat: NOW + 1.501 })).toBe('token_invalid')
  })
})

describe('iss', () => {
  it.each([
    [`${ISSUER}/`],
    [ISSUER.slice(0, -1)],
    [`${ISSUER}.attacker.example`],
    [ISSUER.toUpperCase()],
    [` ${ISSUER}`],
    [`${ISSUER}\0`],
    [`${ISSUER},https://other.example`],
    [''],
    [undefined],
  ])('refuses %j', async (iss) => {
    expect(await withClaims({ iss })).toBe('token_invalid')
  })
  it.each([[[ISSUER]], [[ISSUER, 'https://attacker.example']], [null], [0], [true], [{}], [{ [ISSUER]: 1 }]])(
    'refuses %j, which is no string',
    async (iss) => {
      expect(await withClaims({ iss })).toBe('token_malformed')
    },
  )
})

describe('aud', () => {
  it.each([[AUDIENCE], [[AUDIENCE]], [['other', AUDIENCE]]])('accepts %j', async (aud) => {
    expect(await withClaims({ aud })).toBe('accepted')
  })
  it.each([
    ['other'],
    ['ap'],
    ['api2'],
    ['API'],
    ['api '],
    [' api'],
    ['api,other'],
    [''],
    [[]],
    [['other']],
    [undefined],
  ])('refuses %j', async (aud) => {
    expect(await withClaims({ aud })).toBe('token_invalid')
  })
  it.each([[null], [0], [true], [{}], [{ api: true }], [{ 0: AUDIENCE, length: 1 }], [[[AUDIENCE]]], [[AUDIENCE, 1]]])(
    'refuses %j, which is of the wrong form',
    async (aud) => {
      expect(await withClaims({ aud })).toBe('token_malformed')
    },
  )
  it('refuses any audience where none is configured', async () => {
    const { auth: open } = await startFixture(material, { issuer: undefined, audience: undefined })
    const at = (changes: Json) => answer(open, forge(material, { payload: goodClaims(changes) }))
    expect(await at({ aud: undefined })).toBe('accepted')
    for (const aud of [AUDIENCE, [AUDIENCE], [], '']) expect(await at({ aud })).toBe('token_invalid')
    expect(await at({ aud: null })).toBe('token_malformed')
    expect(await at({ aud: undefined, iss: ['x'] })).toBe('token_malformed')
  })
})

describe('type', () => {
  it('keeps access and refresh apart', async () => {
    const access = forge(material)
    const refresh = forge(material, { payload: goodClaims({ type: 'refresh' }) })
    expect(await answer(auth, refresh)).toBe('wrong_token_type')
    expect(await answer(auth, access, { type: 'refresh' })).toBe('wrong_token_type')
    expect(await answer(auth, refresh, { type: 'refresh' })).toBe('accepted')
    for (const token of [access, refresh]) expect(await answer(auth, token, { type: 'any' })).toBe('accepted')
  })
  it.each([[undefined], [''], ['Access'], ['access '], ['id'], ['reset'], [['access']], [null], [1], [true], [{}]])(
    'refuses %j, whatever is asked for',
    async (type) => {
      const token = forge(material, { payload: goodClaims({ type }) })
      for (const asked of ['access', 'refresh', 'any'] as const) {
        expect(await answer(auth, token, { type: asked })).toBe('token_malformed')
      }
    },
  )
  it('refuses a fresh that is no boolean and no NumericDate', async () => {
    for (const fresh of ['true', 'false', '', [], {}, -1, 1e300]) {
      expect(await withClaims({ fresh }), JSON.stringify(fresh)).toBe('token_malformed')
    }
    for (const fresh of [true, false, NOW, 0]) expect(await withClaims({ fresh })).toBe('accepted')
  })
})

describe('jti, sub and sid', () => {
  const names = ['jti', 'sub', 'sid']
  it.each(names)('refuses a %s of the wrong form', async (name) => {
    for (const value of ['', null, 0, 1, true, [], ['x'], {}, { toString: 'x' }, 'x'.repeat(513), 'x'.repeat(5000)]) {
      expect(await withClaims({ [name]: value }), JSON.stringify(value)).toBe('token_malformed')
    }
    expect(await withClaims({ [name]: 'x'.repeat(512) })).toBe('accepted')
  })
  it('requires jti and sub; sid may be missing', async () => {
    expect(await withClaims({ jti: undefined })).toBe('token_malformed')
    expect(await withClaims({ sub: undefined })).toBe('token_malformed')
    expect(await withClaims({ sid: undefined })).toBe('accepted')
  })
})

describe('the JSON of the payload', () => {
  const text = JSON.stringify(goodClaims())
  const plus = (members: string) => text.replace(/\}$/, `,${members}}`)
  const deep = (open: string, shut: string, levels: number) =>
    plus(`"deep":${open.repeat(levels)}0${shut.repeat(levels)}`)
  it('may be written with white space, escapes and further members', async () => {
    expect(await withText(JSON.stringify(goodClaims(), null, '\t'))).toBe('accepted')
    expect(await withText(text.replace('"sub"', '"s\\u0075b"'))).toBe('accepted')
    expect(await withText(plus('"x":{"a":1,"b":{"a":1}},"y":[{"a":1},{"a":1}],"q":"\\":\\\\","":":,{}"'))).toBe(
      'accepted',
    )
    expect(await withText(plus('"constructor":{"prototype":{"admin":true}},"toString":1'))).toBe('accepted')
    expect(await withText(deep('[', ']', 10))).toBe('accepted')
  })

  it.each([
    ['an array of claims', `[${text}]`],
    ['an empty array', '[]'],
    ['a string', JSON.stringify(text)],
    ['a number', '1700000600'],
    ['null', 'null'],
    ['true', 'true'],
    ['no JSON', 'sub=alice'],
    ['white space only', ' '],
    ['two objects', text + text],
    ['something after it', `${text};`],
    ['a single-quoted member', text.replace('"sub"', "'sub'")],
    ['a raw newline in a string', text.replace('alice', 'al\nice')],
    ['a byte order mark', `\ufeff${text}`],
    ['sub twice', plus('"sub":"admin"')],
    ['sub twice, the same', plus('"sub":"alice"')],
    ['sub twice, once escaped', plus('"s\\u0075b":"admin"')],
    ['sub twice, the first escaped', text.replace('{', '{"\\u0073ub":"admin",')],
    ['sub twice, both escaped', text.replace('"sub"', '"su\\u0062"').replace(/\}$/, ',"s\\u0075b":"admin"}')],
    ['exp twice', plus('"exp":9999999999')],
    ['a nested member twice', plus('"x":{"a":1,"a":2}')],
    ['a nested member twice, escaped', plus('"x":{"a":1,"\\u0061":2}')],
    ['a member twice within an array', plus('"x":[[{"a":{},"a":{}}]]')],
    ['an object overwritten by another of more members', plus('"x":{"a":1},"x":{"a":1,"b":2,"c":3}')],
    ['an empty name twice', plus('"":1,"":2')],
    ['__proto__', plus('"__proto__":{"admin":true}')],
    ['__proto__ null', plus('"__proto__":null')],
    ['__proto__ escaped', plus('"\\u005f_proto__":{"admin":true}')],
    ['__proto__ within', plus('"x":{"y":[{"__proto__":{}}]}')],
    ['arrays nested too deep', deep('[', ']', 20)],
    ['objects nested too deep', deep('{"a":', '}', 20)],
    ['arrays nested very deep', deep('[', ']', 2500)],
  ])('refuses: %s', async (_name, payload) => {
    expect(await withText(payload)).toBe('token_malformed')
  })

  it('refuses invalid UTF-8', async () => {
    const whole = Buffer.from(plus('"x":"@"'))
    const at = whole.indexOf('@')
    const put = (bytes: number[]) =>
      withText(Buffer.concat([whole.subarray(0, at), Buffer.from(bytes), whole.subarray(at + 1)]))
    expect(await put([0xc3, 0xa9])).toBe('accepted')
    for (const bad of [
      [0xe9],
      [0x80],
      [0xc0, 0xaf],
      [0xed, 0xb0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xf0, 0x9f, 0x92],
    ]) {
      expect(await put(bad)).toBe('token_malformed')
    }
  })

  it('never lets claims reach a prototype', async () => {
    await withText(plus('"__proto__":{"polluted":1}'))
    const principal = await auth.verify(
      forge(material, { payload: goodClaims({ constructor: { prototype: { polluted: 1 } } }) }),
    )
    expect(principal.claims.constructor).toEqual({ prototype: { polluted: 1 } })
    expect('polluted' in {}).toBe(false)
  })
})
