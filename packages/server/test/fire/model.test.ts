import { describe, expect, it } from 'vitest'
import type { ActRecord, FaultRecord, GivenTokens, Journal } from './journal.ts'
import { judge } from './model.ts'

type Line = Partial<ActRecord> & Pick<ActRecord, 'act' | 'startMs'>

/** Session 1 has the tokens 10 and 11, session 2 has 20 and 21. */
const given = (session: number, generation = 0): GivenTokens => ({
  session,
  access: session * 10 + generation * 100,
  refresh: session * 10 + 1 + generation * 100,
  accessExpiresMs: 60_000,
})

/** A journal of one user's acts, each of which takes 10 ms at node a and succeeds. */
function journalOf(lines: readonly Line[], faults: readonly FaultRecord[] = []): Journal {
  const acts = lines.map((line, at) => ({
    id: at + 1,
    user: 1,
    node: 'a',
    endMs: line.startMs + 10,
    token: null,
    target: null,
    password: null,
    status: 200,
    code: null,
    gave: null,
    ...line,
  }))
  const facts = {
    seed: 1,
    users: 1,
    seconds: 1,
    sabotage: null,
    allowanceMs: { a: 2_000, b: 2_000 },
    graceMs: 10_000,
    recoveryMs: 5_000,
  }
  return { facts, acts, faults }
}

const faultsIn = (lines: readonly Line[], faults: readonly FaultRecord[] = []) =>
  judge(journalOf(lines, faults)).violations.map(({ fault, act }) => `${act.id} ${fault}`)

const register: Line = { act: 'register', startMs: 0, status: 201, password: 1, gave: given(1) }
const logIn: Line = { act: 'login', startMs: 20, password: 1, gave: given(2) }
const logOut: Line = { act: 'logout', startMs: 100, token: 10, status: 204 }
const revoked = { status: 401, code: 'token_revoked' }

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
      ['4 wrong_login'],
    ],
    [
      'a login of a disabled account',
      [
        { act: 'disable', startMs: 100, status: 204 },
        { act: 'login', startMs: 200, password: 1 },
      ],
      ['4 wrong_login'],
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
})

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
      'what a broken node does not answer',
      [{ act: 'verify', startMs: 100, token: 10, status: null }],
      [{ what: 'x', node: 'a', startMs: 105, endMs: 200 }],
    ],
  ])('%s', (_name, lines, faults) => {
    expect(faultsIn([register, logIn, ...lines], faults)).toEqual([])
  })

  it('no excuse of another node', () => {
    const fault = { what: 'x', node: 'b', startMs: 0, endMs: 200 }
    expect(faultsIn([register, logIn, { act: 'verify', startMs: 100, token: 10, status: 503 }], [fault])).toEqual([
      '3 unavailable',
    ])
  })
})
