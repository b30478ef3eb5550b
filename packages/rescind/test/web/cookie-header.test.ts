import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenCookies } from '../../src/web/cookies.ts'
import { attempt, viewOf } from './helpers.ts'

const cookies = createTokenCookies({ prefix: '', accessName: 'jwt' }, true)

function read(cookie: string | readonly string[]) {
  const answer = attempt(() => cookies.read(viewOf({ headers: { cookie } }), 'access'))
  return typeof answer === 'string' || answer === null ? answer : answer.code
}

describe('reading the Cookie header', () => {
  it.each([
    'jwt=xyz',
    'a=b; jwt=xyz; c=d',
    'a=b;jwt=xyz;c=d',
    'a=b;\tjwt=xyz ',
    'jwt="xyz"',
    ' jwt = xyz ;',
    'jwt=xyz; jwt=xyz',
    'jwt=xyz; jwt="xyz"',
    'JWT=abc; Jwt=abc; jwt=xyz; xjwt=abc; jwtx=abc',
    ';;; jwt=xyz',
    'jwt; jwt=xyz',
    'a=1; a=2; jwt=xyz',
    'a="b\\"; jwt=xyz; c="',
    'a=\u00e9; b=\0; jwt=xyz',
  ])('finds the cookie by its exact name: %j', (header) => {
    expect(read(header)).toBe('xyz')
  })

  it.each([
    '',
    'a=b',
    'JWT=xyz',
    'jwt',
    'jwt=',
    'jwt=""',
    'jwt= ',
    '=jwt',
    'a=jwt=xyz',
    'a="; b',
    'x jwt=xyz',
    '%6awt=a',
  ])('finds none: %j', (header) => {
    expect(read(header)).toBeNull()
  })

  it('finds none without the header', () => {
    expect(cookies.read(viewOf(), 'access')).toBeNull()
  })

  it('does not take a look-alike for the cookie, as by white space of Unicode', () => {
    for (const odd of [
      '\u00a0',
      '\u0085',
      '\u2000',
      '\ufeff',
      '\x0b',
      '\x0c',
      '\r',
      '\n',
      '\0',
      '\u00e2\u0080\u0080',
    ]) {
      expect(read(`${odd}jwt=xyz`)).toBeNull()
      expect(read(`jwt${odd}=xyz`)).toBeNull()
    }
  })

  it.each([
    'jwt=a; jwt=b',
    'jwt=a; x=y; jwt=',
    'jwt=; jwt=a',
    'jwt=a; jwt="b"',
    'jwt=a;jwt=a;jwt=b',
    'jwt=a; \tjwt\t=b',
  ])('refuses a cookie that comes twice with different values, as a tossed one does: %j', (header) => {
    expect(read(header)).toBe('token_malformed')
  })

  it.each([
    'jwt=a b',
    'jwt=a,b',
    'jwt="a',
    'jwt=a"b',
    'jwt="',
    'jwt="a"b"',
    'jwt=a\\b',
    'jwt=\u00e9',
    'jwt=a\0',
    'jwt=\n',
  ])('refuses what no cookie can hold: %j', (header) => {
    expect(read(header)).toBe('token_malformed')
  })

  it('decodes nothing', () => {
    expect(read('jwt=%61+b')).toBe('%61+b')
    expect(read('jwt=a=b==')).toBe('a=b==')
  })

  it('takes the several fields that HTTP/2 allows for one header', () => {
    expect(read(['a=b', 'jwt=xyz'])).toBe('xyz')
    expect(read(['jwt=xyz', 'jwt=xyz'])).toBe('xyz')
    expect(read(['jwt=xyz', 'jwt=abc'])).toBe('token_malformed')
    expect(read([])).toBeNull()
  })

  it('reads no more than a browser sends', () => {
    expect(read(`jwt=xyz; a=${'x'.repeat(16_384 - 'jwt=xyz; a='.length)}`)).toBe('xyz')
    expect(read(`jwt=xyz; a=${'x'.repeat(16_385 - 'jwt=xyz; a='.length)}`)).toBe('token_malformed')
    expect(read(`jwt=xyz${';a=b'.repeat(299)}`)).toBe('xyz')
    expect(read(`jwt=xyz${';a=b'.repeat(300)}`)).toBe('token_malformed')
    expect(read(`${'a=b;'.repeat(300)}`)).toBe('token_malformed')
  })

  it('reads any cookie by its full name', () => {
    const view = viewOf({ headers: { cookie: 'jwt=a; csrf=b; two=1; two=2' } })
    expect(cookies.readNamed(view, 'csrf')).toBe('b')
    expect(cookies.readNamed(view, 'none')).toBeNull()
    expect(attempt(() => cookies.readNamed(view, 'two'))).toEqual({
      code: 'token_malformed',
      message: 'The cookie two comes twice, with different values.',
    })
  })

  it('finds each cookie among others, and agrees with itself on the other half of the header', () => {
    const name = fc.stringMatching(/^[a-z_]{1,6}$/).filter((text) => text !== 'jwt')
    const value = fc.stringMatching(/^[!#-+\--:<-[\]-~]{1,20}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), value, fc.array(fc.tuple(name, value)), (before, mine, after) => {
        const header = [...before, ['jwt', mine], ...after].map((pair) => pair.join('=')).join('; ')
        expect(read(header)).toBe(mine)
      }),
    )
  })
})
