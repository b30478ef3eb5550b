import { describe, expect, it } from 'vitest'
import {
  faultsIn,
  given,
  type Line,
  logIn,
  logOut,
  missing,
  refusedLink,
  register,
  reused,
  revoked,
} from './made-journal.ts'

describe('the model finds', () => {
  it.each<[string, Line[], string[]]>([
    [
      'a dead token at the node that killed it',
      [logOut, { act: 'verify', startMs: 111, token: 10 }],
      ['4 dead_token_accepted'],
    ],
    [
      'a dead refresh token at any node',
      [logOut, { act: 'refresh', startMs: 111, token: 11, node: 'b' }],
      ['4 dead_token_accepted'],
    ],
    [
      'a dead token elsewhere, but only beyond what is allowed',
      [
        logOut,
        { act: 'verify', startMs: 2_000, token: 10, node: 'b' },
        { act: 'verify', startMs: 2_110, token: 10, node: 'b' },
      ],
      ['5 dead_token_accepted'],
    ],
    [
      'a session that outlived a log-out-everywhere',
      [
        { act: 'endAll', startMs: 100, token: 10 },
        { act: 'verify', startMs: 200, token: 20 },
      ],
      ['4 dead_token_accepted'],
    ],
    [
      'a token that came back to life, whoever had killed it',
      [
        { ...logOut, status: 503 },
        { act: 'verify', startMs: 200, token: 10, ...revoked },
        { act: 'verify', startMs: 300, token: 10 },
      ],
      ['3 unavailable', '5 dead_token_accepted'],
    ],
    ['a token past its end', [{ act: 'verify', startMs: 66_000, token: 10 }], ['3 dead_token_accepted']],
    [
      'a session that was ended by nobody',
      [{ act: 'verify', startMs: 100, token: 10, ...revoked }],
      ['3 live_session_lost'],
    ],
    [
      'a session that a log-out of the others took along',
      [
        { act: 'endOthers', startMs: 100, token: 10 },
        { act: 'verify', startMs: 200, token: 10, ...revoked },
      ],
      ['4 live_session_lost'],
    ],
    [
      'two successors',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 105, token: 11, gave: given(1, 2) },
      ],
      ['4 two_successors'],
    ],
    [
      'a theft alarm within the grace',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 200, token: 11, status: 401, code: 'refresh_token_reused' },
      ],
      ['4 false_theft_alarm'],
    ],
    [
      'a login with an old password',
      [
        { act: 'resetPassword', startMs: 100, status: 204, password: 2 },
        { act: 'login', startMs: 200, password: 1 },
      ],
      ['4 old_password_accepted'],
    ],
    [
      'a login of a disabled account',
      [
        { act: 'disable', startMs: 100, status: 204 },
        { act: 'login', startMs: 200, password: 1 },
      ],
      ['4 disabled_account_accepted'],
    ],
    [
      'an exchange of a token whose successor was exchanged, even for the same one',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, gave: given(1, 1) },
      ],
      ['5 theft_unnoticed'],
    ],
    [
      'an exchange of a token that was exchanged longer ago than the grace',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 10_700, token: 11, gave: given(1, 1) },
      ],
      ['4 theft_unnoticed'],
    ],
    [
      'a session that outlived a theft',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, ...reused },
        { act: 'refresh', startMs: 160, token: 211, node: 'b', gave: given(1, 3) },
        { act: 'verify', startMs: 2_200, token: 210, node: 'b' },
      ],
      ['6 dead_token_accepted', '7 dead_token_accepted'],
    ],
    [
      'a session that outlived a theft in it, and was said to be dead',
      [
        { act: 'endAll', startMs: 50, token: 20, status: 503 },
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, ...revoked },
        { act: 'refresh', startMs: 160, token: 211, gave: given(1, 3) },
      ],
      ['3 unavailable', '7 dead_token_accepted'],
    ],
    [
      'a theft in a session that nobody had ended, and that was dead',
      [
        { act: 'refresh', startMs: 100, token: 11, gave: given(1, 1) },
        { act: 'refresh', startMs: 120, token: 111, gave: given(1, 2) },
        { act: 'refresh', startMs: 140, token: 11, ...revoked },
      ],
      ['5 live_session_lost'],
    ],
    [
      'an operator who was refused',
      [{ act: 'disable', startMs: 100, status: 401, code: 'invalid_credentials' }],
      ['3 operator_refused'],
    ],
    [
      'a live session that could not be found',
      [{ act: 'endSession', startMs: 100, token: 10, target: 2, ...missing }],
      ['3 live_session_lost'],
    ],
    [
      'a dead token that could look for a session',
      [logOut, { act: 'endSession', startMs: 200, token: 10, target: 1, ...missing }],
      ['4 dead_token_accepted'],
    ],
    [
      'a fresh link that was refused',
      [
        { act: 'forgotPassword', startMs: 100, status: 202 },
        { act: 'resetPassword', startMs: 200, link: 5, ...refusedLink },
      ],
      ['4 fresh_link_refused'],
    ],
    [
      'a refusal that the act does not know',
      [{ act: 'verify', startMs: 100, token: 10, status: 401, code: 'refresh_token_reused' }],
      ['3 unexpected_answer', '3 live_session_lost'],
    ],
    [
      'a login that was refused',
      [{ act: 'login', startMs: 200, password: 1, status: 401, code: 'invalid_credentials' }],
      ['3 login_refused'],
    ],
    ['an answer of 500', [{ act: 'verify', startMs: 100, token: 10, status: 500 }], ['3 server_error']],
    ['an answer of 503 without a reason', [{ act: 'verify', startMs: 100, token: 10, status: 503 }], ['3 unavailable']],
    ['no answer without a reason', [{ act: 'verify', startMs: 100, token: 10, status: null }], ['3 no_answer']],
    [
      'an answer that makes no sense',
      [{ act: 'verify', startMs: 100, token: 10, status: 404 }],
      ['3 unexpected_answer'],
    ],
  ])('%s', (_name, lines, expected) => {
    expect(faultsIn([register, logIn, ...lines])).toEqual(expected)
  })

  it('what a fault at another node does not excuse', () => {
    const fault = { what: 'x', node: 'b', startMs: 0, endMs: 200 }
    expect(faultsIn([register, logIn, { act: 'verify', startMs: 100, token: 10, status: 503 }], [fault])).toEqual([
      '3 unavailable',
    ])
  })
})
