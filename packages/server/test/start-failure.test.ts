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
})
