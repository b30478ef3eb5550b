import { describe, expect, it } from 'vitest'
import type { FaultRecord } from './journal.ts'
import {
  faultsIn,
  given,
  journalOf,
  type Line,
  logIn,
  logOut,
  missing,
  refusedLink,
  register,
  reused,
  revoked,
} from './made-journal.ts'
import { judge } from './model.ts'

describe('the model accepts', () => {
  it.each<[string, Line[], FaultRecord[]]>([
    [
      'that a logout that was not answered has happened',
      [
        { ...logOut, status: 503 },
        { act: 'verify', startMs: 200, token: 10, ...revoked },
      ],
      [{ what: 'x', node: null, startMs: 0, endMs: 100 }],
    ],
    [
      'that it has not',
      [
        { ...logOut, status: 503 },
        { act: 'verify', startMs: 200, token: 10 },
      ],
      [{ what: 'x', node: null, startMs: 0, endMs: 100 }],
    ],
    ['what runs beside the act that ends it', [logOut, { act: 'verify', startMs: 105, token: 10 }], []],
    [
      'a theft that is found out, and ends the session',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, status: 401, code: 'refresh_token_reused' },
        { act: 'verify', startMs: 160, token: 210, ...revoked },
      ],
      [],
    ],
    [
      'the same successor for two at once',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 105, token: 11, gave: given(1, 1) },
      ],
      [],
    ],
    [
      'a session that began beside a log-out-everywhere, dead or alive',
      [
        { act: 'endAll', startMs: 25, token: 10 },
        { act: 'verify', startMs: 200, token: 20, ...revoked },
      ],
      [],
    ],
    [
      'a refused login while the account is changed',
      [
        { act: 'disable', startMs: 195, status: 204 },
        { act: 'login', startMs: 200, password: 1, status: 401, code: 'invalid_credentials' },
      ],
      [],
    ],
    [
      'a refresh whose parent was exchanged twice within the grace, the first time without an answer',
      [
        { act: 'refresh', startMs: 100, token: 11, status: null },
        { act: 'refresh', startMs: 5_000, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 12_000, token: 11, gave: given(1, 1) },
      ],
      [{ what: 'x', node: null, startMs: 0, endMs: 200 }],
    ],
    [
      'a session that could not be found when it had been ended, or may have been',
      [
        { act: 'endOthers', startMs: 100, token: 10, status: 503 },
        { act: 'endSession', startMs: 200, token: 10, target: 2, ...missing },
      ],
      [{ what: 'x', node: null, startMs: 0, endMs: 200 }],
    ],
    [
      'a link that is refused after another was asked for, a change of the account, or its use',
      [
        { act: 'forgotPassword', startMs: 100, status: 202 },
        { act: 'forgotPassword', startMs: 200, status: 202 },
        { act: 'resetPassword', startMs: 300, link: 5, ...refusedLink },
        { act: 'forgotPassword', startMs: 20_000, status: 202 },
        { act: 'enable', startMs: 20_100, status: 204 },
        { act: 'resetPassword', startMs: 20_200, link: 6, ...refusedLink },
        { act: 'forgotPassword', startMs: 40_000, status: 202 },
        { act: 'resetPassword', startMs: 40_100, link: 6, ...refusedLink },
      ],
      [],
    ],
    [
      'an old password that is refused',
      [
        { act: 'resetPassword', startMs: 100, status: 204, password: 2 },
        { act: 'login', startMs: 200, password: 1, status: 401, code: 'invalid_credentials' },
      ],
      [],
    ],
    [
      'what a broken node does not answer',
      [{ act: 'verify', startMs: 100, token: 10, status: null }],
      [{ what: 'x', node: 'a', startMs: 105, endMs: 200 }],
    ],
    [
      'what waits for a lock of a node that fell silent',
      [{ act: 'verify', startMs: 100, token: 10, status: 503 }],
      [{ what: 'pause a node', node: 'b', startMs: 50, endMs: 200 }],
    ],
  ])('%s', (_name, lines, faults) => {
    expect(faultsIn([register, logIn, ...lines], faults)).toEqual([])
  })

  it('no theft and no old password uncounted', () => {
    const { checked } = judge(
      journalOf([
        register,
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, ...reused },
        // The second time there is nothing to find out any more.
        { act: 'refresh', startMs: 160, token: 11, ...revoked },
        { act: 'resetPassword', startMs: 200, status: 204, password: 2 },
        { act: 'login', startMs: 300, password: 1, status: 401, code: 'invalid_credentials' },
        { act: 'login', startMs: 320, password: 2, gave: given(3) },
      ]),
    )
    expect(checked).toMatchObject({ thefts: 1, logins: 2, oldPasswords: 1, deadTokens: 1 })
  })
})
