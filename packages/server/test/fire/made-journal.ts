import type { ActRecord, FaultRecord, GivenTokens, Journal } from './journal.ts'
import { judge } from './model.ts'

/** What one act did otherwise than succeed at node a within 10 ms. */
export type Line = Partial<ActRecord> & Pick<ActRecord, 'act' | 'startMs'>

/** Session 1 has the tokens 10 and 11, session 2 has 20 and 21. */
export const given = (session: number, generation = 0): GivenTokens => ({
  session,
  access: session * 10 + generation * 100,
  refresh: session * 10 + 1 + generation * 100,
  accessExpiresMs: 60_000,
})

/** A journal of one user's acts, each of which takes 10 ms at node a and succeeds. */
export function journalOf(lines: readonly Line[], faults: readonly FaultRecord[] = []): Journal {
  const acts = lines.map((line, at) => ({
    id: at + 1,
    user: 1,
    node: 'a',
    endMs: line.startMs + 10,
    token: null,
    target: null,
    password: null,
    link: null,
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

/** What the model blames, each with the number of the act that showed it. */
export const faultsIn = (lines: readonly Line[], faults: readonly FaultRecord[] = []) =>
  judge(journalOf(lines, faults)).violations.map(({ fault, act }) => `${act.id} ${fault}`)

/** Begins session 1; the first act of a journal. */
export const register: Line = { act: 'register', startMs: 0, status: 201, password: 1, gave: given(1) }
/** Begins session 2; the second act. */
export const logIn: Line = { act: 'login', startMs: 20, password: 1, gave: given(2) }
/** Ends session 1. */
export const logOut: Line = { act: 'logout', startMs: 100, token: 10, status: 204 }
/** How acts are refused. */
export const revoked = { status: 401, code: 'token_revoked' }
export const reused = { status: 401, code: 'refresh_token_reused' }
export const missing = { status: 404, code: 'not_found' }
export const refusedLink = { password: 2, status: 401, code: 'token_invalid' }
