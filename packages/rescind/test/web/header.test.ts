import fc from 'fast-check'
import { bearerToken } from 'rescind'
import { describe, expect, it } from 'vitest'
import { createHeaderReader, type HeaderOptions } from '../../src/web/header-token.ts'
import { attempt, configMessage, viewOf } from './helpers.ts'

function read(value: string | readonly string[] | undefined, options: HeaderOptions = {}) {
  const name = (options.name ?? 'authorization').toLowerCase()
  const answer = attempt(() =>
    createHeaderReader(options)(viewOf({ headers: value === undefined ? {} : { [name]: value } }), 'access'),
  )
  if (typeof answer === 'string') return answer
  return 'reason' in answer ? { missing: answer.reason } : answer.code
}

describe('a token in a header', () => {
  it.each([
    'Bearer xyz',
    'bearer xyz',
    'BEARER xyz',
    'Basic abc, Bearer xyz',
    'Basic abc,Bearer xyz',
    'Basic abc, bearer xyz',
    'Basic abc,\t Bearer xyz',
    'Bearer xyz, Basic abc',
    'Digest a=b, c=d, Bearer xyz, Digest a=b, c=d',
    ', Bearer xyz',
  ])('is found, also among fields of other schemes: %j', (value) => {
    expect(read(value)).toBe('xyz')
  })

  it.each([
    'Bearer',
    'bEARER',
    'Bearer ',
    'Bearer abc, Bearer xyz',
    'Bearer xyz, Bearer xyz',
    'Basic abc, Bearer xyz, bearer xyz',
    'Bearer xyz,',
    'Bearer xyz, ',
    'Bearer xyz,abc',
    'Bearer xyz, realm=abc',
    'Bearer xyz , Basic abc',
    'Bearer xyz, Basic',
    'Bearer xyz, Basic ',
    'Bearer abc xyz, Basic abc',
    'Basic abc, Bearer ',
    'Bearer ,xyz',
    'Digest username="a, Bearer xyz"',
    'Digest username="a", Bearer xyz',
    `${'Basic a, '.repeat(2_000)}Bearer xyz`,
  ])('must be the only one of its scheme and stand alone: %j', (value) => {
    expect(read(value)).toBe('token_malformed')
  })

  it.each(['Basic abc', 'Basic abc, DPoP xyz', 'Basic abc, xyz', 'Bearer,xyz', 'Bearers xyz', 'xyz', ',', ' '])(
    'of another scheme is none: %j',
    (value) => {
      expect(read(value)).toEqual({ missing: 'other_scheme' })
    },
  )

  it('is missing without the header', () => {
    expect(read(undefined)).toEqual({ missing: 'no_header' })
    expect(read('')).toEqual({ missing: 'no_header' })
  })

  it('goes by the name and the scheme that are configured', () => {
    expect(read('JWT xyz', { name: 'X-Auth', scheme: 'JWT' })).toBe('xyz')
    expect(read('jwt xyz', { name: 'X-Auth', scheme: 'JWT' })).toBe('xyz')
    expect(read('Bearer xyz', { scheme: 'JWT' })).toEqual({ missing: 'other_scheme' })
    const reader = createHeaderReader({ name: 'X-Auth' })
    expect(reader(viewOf({ headers: { authorization: 'Bearer xyz' } }), 'access')).toMatchObject({
      reason: 'no_header',
    })
  })

  it('is the whole value without a scheme', () => {
    expect(read('xyz', { scheme: '' })).toBe('xyz')
    expect(read('', { scheme: '' })).toEqual({ missing: 'no_header' })
    for (const value of ['Bearer xyz', 'abc,xyz', 'abc, xyz', 'xyz,', ',xyz', ',', ' xyz', 'xyz ']) {
      expect(read(value, { scheme: '' })).toBe('token_malformed')
    }
  })

  it('is refused in a header that comes several times', () => {
    for (const values of [['Bearer xyz', 'Bearer xyz'], ['Basic abc', 'Bearer xyz'], ['Bearer xyz'], []]) {
      expect(read(values)).toBe('token_malformed')
      expect(read(values, { name: 'x-auth', scheme: '' })).toBe('token_malformed')
    }
  })

  it('is told of in words that name the header, and never the token', () => {
    const refused = attempt(() =>
      createHeaderReader({ name: 'X-Auth', scheme: 'JWT' })(
        viewOf({ headers: { 'x-auth': 'JWT secret x' } }),
        'access',
      ),
    )
    expect(refused).toEqual({
      code: 'token_malformed',
      message: 'The X-Auth header must be: JWT <token>.',
    })
  })

  it('needs a name and a scheme that a header can hold', () => {
    for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'é']) {
      expect(configMessage(() => createHeaderReader({ name }))).toMatch(/^header\.name must be/)
    }
    for (const scheme of [' ', 'Bearer ', 'a,b', 'a"b', 'a\n']) {
      expect(configMessage(() => createHeaderReader({ scheme }))).toMatch(/^header\.scheme must be/)
    }
  })

  it('is one that was literally sent, behind its scheme, whatever a client sends', () => {
    const word = fc.constantFrom(
      'Bearer',
      'bearer',
      'Basic',
      'xyz',
      'a.b.c',
      ' ',
      '  ',
      ',',
      ', ',
      '\t',
      '"',
      '=',
      '\0',
    )
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 9 }).map((words) => words.join('')),
    )
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(value, fc.constantFrom('Bearer', 'JWT', ''), (header, scheme) => {
        const answer = read(header, { scheme })
        if (typeof answer !== 'string') {
          outcomes.add(answer.missing)
          return
        }
        outcomes.add(answer === 'token_malformed' ? answer : 'token')
        if (answer === 'token_malformed') return
        expect(answer).toMatch(/^[^ ,]+$/)
        if (scheme === '') expect(header).toBe(answer)
        else expect(header.toLowerCase()).toContain(`${scheme} ${answer}`.toLowerCase())
      }),
      { numRuns: 5_000 },
    )
    expect([...outcomes].sort()).toEqual(['no_header', 'other_scheme', 'token', 'token_malformed'])
  })
})

describe('bearerToken', () => {
  it('reads the Authorization header alone', () => {
    expect(bearerToken(viewOf({ headers: { authorization: 'Bearer xyz' } }))).toBe('xyz')
    expect(bearerToken(viewOf({ headers: { authorization: 'Basic xyz' } }))).toBeNull()
    expect(bearerToken(viewOf({ url: '/?token=xyz', headers: { cookie: '__Host-access_token=xyz' } }))).toBeNull()
    expect(attempt(() => bearerToken(viewOf({ headers: { authorization: ['Bearer xyz'] } })))).toMatchObject({
      code: 'token_malformed',
    })
  })
})
