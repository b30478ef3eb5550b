import fc from 'fast-check'
import { expect, it } from 'vitest'
import { wordsForRefusal } from '../../src/compat/flask-jwt-extended/pyjwt-words.ts'
import { pythonBase64 } from '../../src/compat/flask-jwt-extended/python-base64.ts'
import { pythonJsonFault } from '../../src/compat/flask-jwt-extended/python-json.ts'
import { askPyJwt, type Question } from './support/pyjwt.ts'

const SAMPLES = 3_000
/** Printed where a sample differs, to find it again. */
const seed = Date.now()
const algorithms = ['HS256']
const key = 'super-secret-super-secret-super-secret'

/** Python takes bytes with NUL or a byte order mark for UTF-16 or UTF-32, which no token is. */
const isUtf8Like = (bytes: Uint8Array) => !bytes.includes(0) && ![0xef, 0xfe, 0xff].includes(bytes[0] ?? 0)

const jsonText = fc.oneof(
  fc.json(),
  // Mutilated JSON: the interesting faults are near to what is right.
  fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', '"', '\\', '{', ',', ':', '\\u12', '\n', '1', 'é'),
    )
    .map(([text, at, cut, insert]) => {
      const from = text.length === 0 ? 0 : at % text.length
      return text.slice(0, from) + insert + text.slice(from + cut)
    }),
  fc.string({ unit: fc.constantFrom(...'{}[]:,"\\ux0123-.eEntfalsI \n\té😀') }),
)
const bytes = fc
  .oneof(
    jsonText.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 12 }),
    fc.tuple(jsonText, fc.uint8Array({ maxLength: 4 })).map(([text, tail]) => Buffer.concat([Buffer.from(text), tail])),
  )
  .map((value) => Buffer.from(value))
  .filter(isUtf8Like)

it('words every fault of a JSON text as Python does', () => {
  const samples = [
    ...[
      '',
      '{',
      '[',
      '"',
      '"\\',
      '"\\u',
      '"\\u123"',
      '"\\u1234',
      '"\\x"',
      '{"a"}',
      '{"a":1,}',
      '[1,]',
      '[1 2]',
      '-',
      '01',
    ],
    ...['NaN', '-Infinity', '1.', '1e', '"\t"', '\u2028', '{"a":\n\n x}', '"😀\\q"', 'tru', ' 1 2', '{1:2}', '\ufeff{'],
  ].map((text) => Buffer.from(text))
  samples.push(...fc.sample(bytes, { numRuns: SAMPLES, seed }))
  const faults = askPyJwt<string | null>(
    samples.map((sample): Question => ({ ask: 'json_fault', base64: sample.toString('base64') })),
  )
  samples.forEach((sample, index) => {
    expect(pythonJsonFault(sample), `seed ${seed}, sample ${sample.toString('latin1')}`).toBe(faults[index])
  })
})

const segment = fc.oneof(
  bytes.map((value) => value.toString('base64url')),
  fc.string({ unit: fc.constantFrom(...'AQZaz09-_+/=.! é'), maxLength: 12 }),
)
const header = fc.constantFrom(
  '{"alg":"HS256"}',
  '{"alg":"HS512"}',
  '{"alg":null}',
  '{"alg":1}',
  '{"alg":["HS256"]}',
  '[]',
  '"a"',
)
const token = fc.oneof(
  fc.array(segment, { maxLength: 4 }).map((segments) => segments.join('.')),
  fc
    .tuple(header, fc.constantFrom('{"sub":"a"}', '{"sub"}', '[1]', '1', ''), segment)
    .map(([head, payload, signature]) =>
      [head, payload]
        .map((text) => Buffer.from(text).toString('base64url'))
        .concat(signature)
        .join('.'),
    ),
)

const hasUtf8Payload = (text: string) =>
  isUtf8Like(pythonBase64(text.slice(text.indexOf('.') + 1, text.lastIndexOf('.'))) ?? Buffer.of())

/** What PyJWT 2.12 says otherwise than Debian's 2.6. */
const IN_DEBIANS_WORDS: Record<string, string> = {
  'Algorithm not specified': 'The specified alg value is not allowed',
}

it('words every undecodable token as PyJWT does, in its order of checks', () => {
  const genuine = askPyJwt<string>([{ ask: 'encode', claims: { sub: 'a' }, key, algorithm: 'HS256' }])[0] ?? ''
  const samples = [
    ...[
      '',
      '.',
      '..',
      '...',
      'a.b',
      'a.b.c',
      'abc',
      'e30.e30.',
      `${genuine}x`,
      `${genuine}xx`,
      `x${genuine}`,
      ` ${genuine}`,
    ],
    ...[genuine.replace('.', '..'), genuine.slice(1), genuine.slice(0, -1), `${genuine}.${genuine}`, 'AAAAA.e30.e30'],
    ...fc.sample(token, { numRuns: SAMPLES, seed }),
  ].filter(
    (text) => text.split('.').every((part) => isUtf8Like(pythonBase64(part) ?? Buffer.of())) && hasUtf8Payload(text),
  )
  const answers = askPyJwt<string | null>(
    samples.map((text): Question => ({ ask: 'words', token: text, key, algorithms })),
  )
  let compared = 0
  samples.forEach((text, index) => {
    const expected = answers[index]
    // PyJWT takes other spellings of a genuine token, and crashes on a few.
    if (expected === null || expected?.startsWith('crash: ')) return
    compared += 1
    const words = wordsForRefusal(text, algorithms)
    expect(IN_DEBIANS_WORDS[words] ?? words, `seed ${seed}, token ${text}`).toBe(expected)
  })
  expect(compared).toBeGreaterThan(SAMPLES / 2)
})
