import { RescindError } from 'rescind'
import { describe, expect, it } from 'vitest'
import { startFailure } from '../src/start-failure.ts'

const url = 'postgres://some%40one:hunter%2F2@db.example.test:5433/people?sslkey=s3cr3t'
const lineFor = (error: unknown) => startFailure({ variable: 'DATABASE_URL', url }, error).message
const withCode = (code: string, message = code) => Object.assign(new Error(message), { code })

describe('why a server cannot be used', () => {
  it.each([
    ['a refusal', withCode('ECONNREFUSED'), 'refused the connection'],
    [
      'the first of several addresses',
      new AggregateError([withCode('ENOTFOUND'), new Error('x')]),
      'has an unknown name',
    ],
    [
      'a cause',
      new RescindError('revocation_unavailable', 'x', { cause: withCode('28P01') }),
      'refused the user or the',
    ],
    ['silence', new Error('due to connection timeout', { cause: new Error('ended') }), 'did not answer in time'],
    ['a refusal of Redis', new Error('WRONGPASS invalid username-password pair'), 'refused the user or the password'],
    ['a rule of the store', new RescindError('invalid_config', 'it is a standby'), 'cannot be used: it is a standby'],
    ['an unknown failure', new Error('bad\nweather'), 'cannot be used: bad weather'],
    ['a failure without words', withCode('EPROTO', ''), 'cannot be used: EPROTO'],
    ['no error', 'nothing', 'cannot be used: unknown error'],
  ])('is told of %s in one line', (_name, error, reason) => {
    expect(lineFor(error)).toMatch(/^DATABASE_URL names db\.example\.test:5433, which .+; it may name another$/)
    expect(lineFor(error)).toContain(`which ${reason}`)
  })

  it.each([url, 'user some@one', 'user some%40one', 'pass hunter/2', 'pass hunter%2F2', 'sslkey=s3cr3t'])(
    'never holds %s',
    (message) => expect(lineFor(new Error(message))).not.toMatch(/some(@|%40)one|hunter|s3cr3t/),
  )

  it('is still to be understood where the user and the password are short', () => {
    const short = 'postgres://a:e%21@db.example.test/people?application_name=db'
    const told = (message: string) => startFailure({ variable: 'DATABASE_URL', url: short }, new Error(message)).message
    expect(told('a database needs a role named "a" here')).toContain(
      'cannot be used: a database needs a role named "a"',
    )
    for (const leak of [short, 'at a:e!@db', 'at //a:e%21@db', 'given "e!"', "given 'e%21'", 'password=e!']) {
      expect(told(leak)).not.toMatch(/e(!|%21)/)
    }
  })

  it('holds nothing of a password that begins like the user', () => {
    const alike = 'redis://rescind:rescind-77@db.example.test'
    const { message } = startFailure({ variable: 'REDIS_URL', url: alike }, new Error('rescind-77 or rescind'))
    expect(message).toContain('cannot be used: *** or ***;')
  })
})
