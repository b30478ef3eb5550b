import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answer, forge, goodHeader, type Json, makeMaterial, signAs, startFixture } from './forge.ts'

const material = makeMaterial('ES256')
const { auth } = await startFixture(material)
const withHeader = (changes: Json) => answer(auth, forge(material, { header: goodHeader(material, changes) }))
const withText = (header: string | Buffer | unknown[]) => answer(auth, forge(material, { header }))

describe('kid', () => {
  it('is taken, and may be missing', async () => {
    expect(await withHeader({})).toBe('accepted')
    expect(await withHeader({ kid: undefined })).toBe('accepted')
  })

  it.each([
    ['another'],
    [''],
    ['key-ES256 '],
    ['KEY-ES256'],
    ['key-ES256\0'],
    ['../../../../dev/null'],
    ['/dev/null'],
    ['key-ES256/../key-ES256'],
    ["' OR 1=1 --"],
    ["x' UNION SELECT 'secret' --"],
    ['| whoami'],
    ['$(id)'],
    ['__proto__'],
    ['constructor'],
    ['undefined'],
    ['http://localhost/key'],
    ['k'.repeat(4000)],
  ])('refuses the unknown %j', async (kid) => {
    expect(await withHeader({ kid })).toBe('token_invalid')
  })

  it.each([[0], [1], [null], [true], [[]], [['key-ES256']], [{}], [{ kid: 'key-ES256' }]])(
    'refuses %j',
    async (kid) => {
      expect(await withHeader({ kid })).toBe('token_malformed')
    },
  )
})

describe('crit and the headers that change the meaning', () => {
  it.each([
    [{ crit: [] }],
    [{ crit: ['b64'], b64: false }],
    [{ crit: ['b64'], b64: true }],
    [{ crit: ['exp'], exp: 1 }],
    [{ crit: ['alg'] }],
    [{ crit: ['kid', 'typ'] }],
    [{ crit: ['unknown'], unknown: 1 }],
    [{ crit: 'b64' }],
    [{ crit: null }],
    [{ crit: {} }],
    [{ crit: ['__proto__'] }],
    [{ b64: false }],
    [{ b64: true }],
    [{ zip: 'DEF' }],
    [{ enc: 'A128GCM' }],
  ])('refuses %j, correctly signed', async (changes) => {
    expect(await withHeader(changes)).toBe('token_invalid')
  })

  it('refuses an unencoded payload (RFC 7797)', async () => {
    const header = Buffer.from(JSON.stringify(goodHeader(material, { crit: ['b64'], b64: false }))).toString(
      'base64url',
    )
    const input = `${header}.payload`
    const token = `${input}.${signAs('ES256', material.signing, input).toString('base64url')}`
    expect(await answer(auth, token)).toBe('token_invalid')
  })
})

describe('keys that travel with the token', () => {
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = attacker.publicKey.export({ format: 'jwk' })
  const signedByAttacker = (changes: Json) =>
    answer(
      auth,
      forge(material, {
        header: { alg: 'ES256', typ: 'JWT', ...changes },
        sign: (input) => signAs('ES256', attacker.privateKey, input),
      }),
    )
  const travelling: readonly Json[] = [
    { jwk },
    { jwk: JSON.stringify(jwk) },
    { jwk, kid: material.kid },
    { jku: 'https://attacker.example/jwks.json' },
    { jku: 'data:application/json,{}' },
    { x5u: 'https://attacker.example/cert.pem' },
    { x5c: ['MIIB'] },
    { jwk: null },
    { jku: '' },
    { x5u: '' },
    { x5c: [] },
  ]
  it.each(travelling.map((changes) => [changes]))(
    'refuses %j with the signature of the key it names',
    async (changes) => {
      expect(await signedByAttacker(changes)).toBe('token_invalid')
    },
  )

  it.each(travelling.map((changes) => [changes]))('refuses %j even when our own key signed', async (changes) => {
    expect(await withHeader(changes)).toBe('token_invalid')
  })
})

describe('typ', () => {
  it.each([['JWT'], ['jwt'], ['Jwt'], ['at+jwt'], ['AT+JWT'], ['application/at+jwt']])('accepts %s', async (typ) => {
    expect(await withHeader({ typ })).toBe('accepted')
  })
  it('may be missing', async () => {
    expect(await withHeader({ typ: undefined })).toBe('accepted')
  })
  it.each([
    ['dpop+jwt'],
    ['logout+jwt'],
    ['secevent+jwt'],
    ['rt+jwt'],
    ['JWE'],
    ['JOSE'],
    [''],
    ['JWT '],
    ['\u212aWT'],
    [null],
    [0],
    [['JWT']],
    [{ typ: 'JWT' }],
  ])('refuses %j', async (typ) => {
    expect(await withHeader({ typ })).toBe('token_invalid')
  })
})

describe('the JSON of the header', () => {
  const text = JSON.stringify(goodHeader(material))
  const deep = (levels: number) => `${text.slice(0, -1)},"deep":${'['.repeat(levels)}${']'.repeat(levels)}}`
  it('may be written with white space, escapes and further members', async () => {
    expect(await withText(JSON.stringify(goodHeader(material), null, 2))).toBe('accepted')
    expect(await withText(text.replace('"alg"', '"\\u0061lg"'))).toBe('accepted')
    expect(await withHeader({ x: { y: [1, 'a:b', '"', '\\'] }, x5t: 'abc', cty: 'x' })).toBe('accepted')
    expect(await withText(deep(10))).toBe('accepted')
  })

  it.each([
    ['an array', '[{"alg":"ES256"}]'],
    ['a string', '"ES256"'],
    ['a number', '1'],
    ['null', 'null'],
    ['true', 'true'],
    ['empty text', ' '],
    ['no JSON', 'alg=ES256'],
    ['a trailing comma', text.replace('}', ',}')],
    ['a comment', `${text}/**/`],
    ['two objects', `${text}${text}`],
    ['a byte order mark', `\ufeff${text}`],
    ['a NUL at the end', `${text}\0`],
    ['alg twice', text.replace('{', '{"alg":"none",')],
    ['alg twice, the same', text.replace('{', '{"alg":"ES256",')],
    ['alg twice, once escaped', text.replace('{', '{"\\u0061lg":"none",')],
    ['alg twice, the last one wrong', text.replace(/\}$/, ',"al\\u0067":"none"}')],
    ['a nested member twice', text.replace(/\}$/, ',"x":{"y":[{"a":1,"a":1}]}}')],
    ['__proto__', text.replace(/\}$/, ',"__proto__":{"alg":"none"}}')],
    ['__proto__, escaped', text.replace(/\}$/, ',"__pr\\u006fto__":1}')],
    ['__proto__ within', text.replace(/\}$/, ',"x":[{"__proto__":1}]}')],
    ['nested too deep', deep(20)],
    ['nested very deep', deep(1500)],
  ])('refuses: %s', async (_name, header) => {
    expect(await withText(header)).toBe('token_malformed')
  })

  it('refuses invalid UTF-8', async () => {
    const bytes = Buffer.from(text.replace('"JWT"', '"JWT","x":"@"'), 'latin1')
    expect(await withText(bytes)).toBe('accepted')
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const at = bytes.indexOf('@')
      const header = Buffer.concat([bytes.subarray(0, at), Buffer.from(bad), bytes.subarray(at + 1)])
      expect(await withText(header)).toBe('token_malformed')
    }
    expect(await withText(Buffer.from(text, 'utf16le'))).toBe('token_malformed')
  })
})
