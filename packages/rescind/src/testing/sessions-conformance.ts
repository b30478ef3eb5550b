import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Ledger } from '../revocation/ledger.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type {
  EndResult,
  NewSession,
  RotateClaim,
  RotateOutcome,
  SessionSelector,
  Sessions,
} from '../session/sessions.ts'
import { readAll } from './ledger-conformance.ts'
import type { DefineTest } from './open-store.ts'

const NOW = 1_700_000_000_000
const DAY = 86_400_000
const GRACE = 10_000

function newSession(sid: string, changes: Partial<NewSession> = {}): NewSession {
  return {
    sid,
    sub: 'alice',
    createdAtMs: NOW,
    lastUsedAtMs: NOW,
    expiresAtMs: NOW + DAY,
    endsAtMs: NOW + 3 * DAY,
    ip: '192.0.2.1',
    userAgent: 'a browser',
    refreshHash: `${sid}-0`,
    ...changes,
  }
}

function claim(sid: string, from: number, changes: Partial<RotateClaim> = {}): RotateClaim {
  return {
    sid,
    token: { jti: `${sid}-${from}`, sid, sub: 'alice', iatMs: NOW },
    presentedHash: `${sid}-${from}`,
    successorHash: `${sid}-${from + 1}`,
    nowMs: NOW + 1_000,
    expiresAtMs: NOW + 1_000 + DAY,
    graceMs: GRACE,
    onReuse: sessionRevocation(sid),
    ...changes,
  }
}

function sessionRevocation(sid: string): Revocation {
  return { kind: 'session', id: sid, at: NOW + 1_000, expiresAt: NOW + 2 * DAY }
}

function subjectRevocation(sub: string, except?: string): Revocation {
  const facts = { kind: 'subject', id: sub, before: NOW, at: NOW, expiresAt: NOW + 2 * DAY } as const
  return except === undefined ? facts : { ...facts, except }
}

const PROMPT_MS = 400

/** Tries again where it took long, which on a busy machine is no fault: a store may hold a claim up then. */
async function promptly<T>(attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    const startedAt = performance.now()
    const result = await attempt(number)
    if (performance.now() - startedAt < PROMPT_MS || number === 10) return result
  }
}

const outcomes = (results: readonly RotateOutcome[]) => results.map((result) => result.outcome)

/** Defines the sessions' tests, and those of the one atomic write they share with the ledger. */
export function describeSessions(defineTest: DefineTest): void {
  const test = (name: string, body: (parts: Parts) => Promise<void>) => {
    defineTest(name, ({ store }) =>
      body({ ledger: store.ledger, sessions: oneByOne(store.sessions), batched: store.sessions }),
    )
  }

  test('a session is started once and read back', async ({ sessions }) => {
    equal(await sessions.start(newSession('s1')), 'started')
    equal(await sessions.start(newSession('s1', { sub: 'mallory' })), 'exists')
    const { refreshHash: _, ...shown } = newSession('s1')
    deepEqual(await sessions.get('s1', NOW), shown)
    equal(await sessions.get('s1', NOW + DAY), null)
    equal(await sessions.get('nobody', NOW), null)
  })

  test('rotation hands the session on, and never past its end', async ({ sessions }) => {
    await sessions.start(newSession('s1'))
    const first = await sessions.rotate(claim('s1', 0))
    deepEqual(outcomes([first]), ['rotated'])
    ok('session' in first && first.issuedAtMs === NOW + 1_000 && first.session.lastUsedAtMs === NOW + 1_000)
    const second = await sessions.rotate(claim('s1', 1, { nowMs: NOW + 2_000, expiresAtMs: NOW + 9 * DAY }))
    ok('session' in second && second.session.expiresAtMs === NOW + 3 * DAY)
    deepEqual(outcomes([await sessions.rotate(claim('s1', 2, { nowMs: NOW + 3 * DAY }))]), ['ended'])
  })

  test('of 50 rotations at once exactly one wins, and the others get the same successor', async ({ sessions }) => {
    await sessions.start(newSession('s1'))
    const claims = Array.from({ length: 50 }, (_, n) => claim('s1', 0, { nowMs: NOW + 1_000 + n }))
    const results = await Promise.all(claims.map((each) => sessions.rotate(each)))
    equal(outcomes(results).filter((outcome) => outcome === 'rotated').length, 1)
    equal(outcomes(results).filter((outcome) => outcome === 'replayed').length, 49)
    equal(new Set(results.map((result) => ('issuedAtMs' in result ? result.issuedAtMs : null))).size, 1)
  })

  test('without grace, the second use of 50 ends the session', async ({ ledger, sessions }) => {
    await sessions.start(newSession('s1'))
    const results = await Promise.all(Array.from({ length: 50 }, () => sessions.rotate(claim('s1', 0, { graceMs: 0 }))))
    const count = (outcome: string) => outcomes(results).filter((each) => each === outcome).length
    deepEqual([count('rotated'), count('reused'), count('ended')], [1, 1, 48])
    deepEqual(await readAll(ledger), [sessionRevocation('s1')])
  })

  test('grace is for the immediate parent, for its time, in both directions of the clock', async ({ sessions }) => {
    const cases: [name: string, rotations: number, presented: number, nowMs: number, expected: string][] = [
      ['parent', 1, 0, NOW + 1_000 + GRACE - 1, 'replayed'],
      ['late', 1, 0, NOW + 1_000 + GRACE, 'reused'],
      ['back', 1, 0, NOW + 1_000 - DAY, 'reused'],
      ['grandparent', 2, 0, NOW + 1_001, 'reused'],
      ['unheard-of', 0, 7, NOW + 1_000, 'reused'],
    ]
    for (const [name, rotations, presented, nowMs, expected] of cases) {
      const outcome = await promptly(async (attempt) => {
        const sid = `${name}-${attempt}`
        await sessions.start(newSession(sid))
        for (let n = 0; n < rotations; n += 1) deepEqual(outcomes([await sessions.rotate(claim(sid, n))]), ['rotated'])
        return sessions.rotate(claim(sid, presented, { nowMs }))
      })
      deepEqual(outcomes([outcome]), [expected], name)
    }
  })

  test('a claim that was held up while others went ahead ends nothing', async ({ ledger, sessions }) => {
    const cases: [name: string, at: number, heldUp: boolean, expected: string, next: string][] = [
      ['overtaken', NOW + 1_999, true, 'overtaken', 'rotated'],
      ['prompt', NOW + 1_999, false, 'reused', 'ended'],
      ['after', NOW + 2_000, true, 'reused', 'ended'],
    ]
    for (const [name, nowMs, heldUp, expected, next] of cases) {
      const [held, later] = await promptly(async (attempt) => {
        const sid = `${name}-${attempt}`
        await sessions.start(newSession(sid))
        await sessions.rotate(claim(sid, 0, { nowMs: NOW + 1_000 }))
        await sessions.rotate(claim(sid, 1, { nowMs: NOW + 2_000 }))
        const overtaken = await sessions.rotate(claim(sid, 0, { nowMs, heldUp }))
        return [overtaken, await sessions.rotate(claim(sid, 2, { nowMs: NOW + 3_000 }))] as const
      })
      deepEqual(outcomes([held, later]), [expected, next], name)
    }
    const ended = (await readAll(ledger)).map((record) => ('id' in record ? record.id : ''))
    deepEqual(
      ended.filter((id) => id.startsWith('overtaken')),
      [],
    )
  })

  test('a held-up claim of the parent still gets its successor', async ({ sessions }) => {
    await sessions.start(newSession('s1'))
    await sessions.rotate(claim('s1', 0, { nowMs: NOW + 1_000 }))
    equal((await sessions.rotate(claim('s1', 0, { nowMs: NOW + 500, heldUp: true }))).outcome, 'replayed')
  })

  test('reuse ends the session and records it in one step', async ({ ledger, sessions }) => {
    await sessions.start(newSession('s1'))
    await sessions.rotate(claim('s1', 0))
    await sessions.rotate(claim('s1', 1))
    equal((await sessions.rotate(claim('s1', 0))).outcome, 'reused')
    equal((await sessions.rotate(claim('s1', 2))).outcome, 'ended')
    equal(await sessions.get('s1', NOW), null)
    deepEqual(await readAll(ledger), [sessionRevocation('s1')])
  })

  test('a token that the ledger has killed is not rotated', async ({ ledger, sessions }) => {
    const records: [sid: string, record: Revocation][] = [
      ['by-token', { kind: 'token', id: 'by-token-0', at: NOW, expiresAt: NOW + DAY }],
      ['by-subject', subjectRevocation('bob')],
      ['by-everything', { kind: 'everything', before: NOW - 5, at: NOW, expiresAt: NOW + DAY }],
    ]
    for (const [sid, record] of records) {
      const sub = sid === 'by-subject' ? 'bob' : 'alice'
      const token = { jti: `${sid}-0`, sid, sub, iatMs: sid === 'by-everything' ? NOW - 5 : NOW }
      await sessions.start(newSession(sid, { sub }))
      await sessions.start(newSession(`${sid}-spared`))
      await ledger.append([record])
      equal((await sessions.rotate(claim(sid, 0, { token }))).outcome, 'ended', sid)
      equal((await sessions.rotate(claim(`${sid}-spared`, 0))).outcome, 'rotated', sid)
    }
  })

  test('everything ends every session, and reaches the last token that any of them issued', async ({
    ledger,
    sessions,
  }) => {
    await sessions.start(newSession('s1'))
    await sessions.start(newSession('s2', { sub: 'bob' }))
    await sessions.rotate(claim('s1', 0, { nowMs: NOW + 1_500 }))
    const record: Revocation = { kind: 'everything', before: NOW, at: NOW, expiresAt: NOW + DAY }
    const { ended, recorded } = await sessions.end({ everyone: true }, record)
    equal(ended, 2)
    deepEqual(recorded, [{ ...record, before: NOW + 1_500 }])
    deepEqual(await readAll(ledger), recorded)
    equal((await sessions.rotate(claim('s2', 0))).outcome, 'ended')
  })

  test('an unknown session is unknown', async ({ sessions }) => {
    equal((await sessions.rotate(claim('nobody', 0))).outcome, 'unknown')
  })

  test('ending a session records the revocation, known or not, once or twice', async ({ ledger, sessions }) => {
    await sessions.start(newSession('s1'))
    deepEqual(await sessions.end({ sid: 's1' }, sessionRevocation('s1')), {
      ended: 1,
      recorded: [sessionRevocation('s1')],
    })
    equal((await sessions.end({ sid: 's1' }, sessionRevocation('s1'))).ended, 0)
    equal((await sessions.end({ sid: 'foreign' }, sessionRevocation('foreign'))).ended, 0)
    deepEqual(await readAll(ledger), [sessionRevocation('s1'), sessionRevocation('foreign')])
    equal((await sessions.rotate(claim('s1', 0))).outcome, 'ended')
  })

  test('ending a subject ends every session of theirs, and records each', async ({ ledger, sessions }) => {
    for (const sid of ['s1', 's2', 's3']) await sessions.start(newSession(sid))
    await sessions.start(newSession('other', { sub: 'bob' }))
    const { ended, recorded } = await sessions.end({ sub: 'alice', except: 's2' }, subjectRevocation('alice', 's2'))
    equal(ended, 2)
    equal(recorded.length, 3)
    deepEqual(await readAll(ledger), recorded)
    for (const [sid, lives] of Object.entries({ s1: false, s2: true, s3: false, other: true })) {
      equal((await sessions.get(sid, NOW)) !== null, lives, sid)
    }
  })

  test('a cut-off in the past spares sessions begun after it', async ({ sessions }) => {
    await sessions.start(newSession('before', { createdAtMs: NOW - 1 }))
    await sessions.start(newSession('at', { createdAtMs: NOW }))
    await sessions.start(newSession('after', { createdAtMs: NOW + 1 }))
    equal((await sessions.end({ sub: 'alice', beforeMs: NOW }, subjectRevocation('alice'))).ended, 2)
    ok((await sessions.get('after', NOW)) !== null)
  })

  test('logout racing refresh never leaves a session that can be refreshed', async ({ sessions }) => {
    for (let round = 0; round < 100; round += 1) {
      const sid = `race-${round}`
      await sessions.start(newSession(sid))
      const contenders: Promise<unknown>[] = [sessions.rotate(claim(sid, 0))]
      const end = sessions.end({ sid }, sessionRevocation(sid))
      contenders.splice(round % 2, 0, end)
      await Promise.all(contenders)
      for (const from of [0, 1]) equal((await sessions.rotate(claim(sid, from))).outcome, 'ended')
    }
  })

  test('lists live sessions of one user, newest first, page by page', async ({ sessions }) => {
    for (let n = 0; n < 7; n += 1) await sessions.start(newSession(`s${n}`, { createdAtMs: NOW + Math.floor(n / 2) }))
    await sessions.start(newSession('bob', { sub: 'bob' }))
    await sessions.start(newSession('gone', { expiresAtMs: NOW }))
    await sessions.end({ sid: 's3' }, sessionRevocation('s3'))
    const seen: string[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await sessions.list('alice', { limit: 2, cursor: cursor ?? undefined }, NOW)
      seen.push(...page.sessions.map((session) => session.sid))
      cursor = page.nextCursor
    }
    deepEqual(seen, ['s6', 's5', 's4', 's2', 's1', 's0'])
    equal((await sessions.list('alice', { limit: 9, cursor: 'not a cursor' }, NOW)).sessions.length, 6)
  })

  test('sweep forgets what is over, no more than asked', async ({ sessions }) => {
    for (const sid of ['a', 'b']) await sessions.start(newSession(sid, { expiresAtMs: NOW + 1 }))
    await sessions.start(newSession('c'))
    equal(await sessions.sweep(NOW, 10), 0)
    equal(await sessions.sweep(NOW + 1, 1), 1)
    equal(await sessions.sweep(NOW + 1, 10), 1)
    ok((await sessions.get('c', NOW)) !== null)
    equal((await sessions.rotate(claim('a', 0))).outcome, 'unknown')
  })

  test('a stolen copy yields no token: what is shown holds no hash', async ({ sessions }) => {
    await sessions.start(newSession('s1'))
    const rotated = await sessions.rotate(claim('s1', 0))
    const shown = JSON.stringify([
      await sessions.get('s1', NOW),
      await sessions.list('alice', { limit: 9 }, NOW),
      rotated,
    ])
    ok(!shown.includes('s1-0') && !shown.includes('s1-1'))
  })

  test('wishes made together are answered as if they had come one after the other', async ({ ledger, batched }) => {
    deepEqual(await batched.start([newSession('s1'), newSession('s1'), newSession('s2'), newSession('s3')]), [
      'started',
      'exists',
      'started',
      'started',
    ])
    const strict = { graceMs: 0 }
    const claims = [claim('s1', 0), claim('s2', 0), claim('s1', 1), claim('nobody', 0), claim('s2', 0, strict)]
    const answers = await batched.rotate([...claims, claim('s2', 1), claim('s3', 0)])
    deepEqual(outcomes(answers), ['rotated', 'rotated', 'rotated', 'unknown', 'reused', 'ended', 'rotated'])
    const orders = ['s1', 's1', 's3'].map((sid) => ({ which: { sid }, revocation: sessionRevocation(sid) }))
    const results = await batched.end([...orders, { which: { sub: 'alice' }, revocation: subjectRevocation('alice') }])
    deepEqual(
      results.map((result) => result.ended),
      [1, 0, 1, 0],
    )
    deepEqual(await readAll(ledger), [
      sessionRevocation('s2'),
      sessionRevocation('s1'),
      sessionRevocation('s3'),
      subjectRevocation('alice'),
    ])
    deepEqual(await batched.start([]), [])
    deepEqual(await batched.rotate([]), [])
    deepEqual(await batched.end([]), [])
  })

  test('a batch of hundreds is answered whole', async ({ batched }) => {
    const sids = Array.from({ length: 600 }, (_, n) => `s${n}`)
    const started = await batched.start(sids.map((sid) => newSession(sid, { sub: `user-${sid}` })))
    deepEqual(new Set(started), new Set(['started']))
    const rotated = await batched.rotate(sids.map((sid) => claim(sid, 0)))
    deepEqual(new Set(outcomes(rotated)), new Set(['rotated']))
    const ended = await batched.end(sids.map((sid) => ({ which: { sid }, revocation: sessionRevocation(sid) })))
    equal(
      ended.reduce((sum, result) => sum + result.ended, 0),
      600,
    )
  })

  test('everything up to a time ends the sessions whose last token it kills', async ({ sessions }) => {
    await sessions.start(newSession('old', { createdAtMs: NOW - 10 }))
    await sessions.start(newSession('refreshed', { createdAtMs: NOW - 10 }))
    await sessions.rotate(claim('refreshed', 0))
    const record: Revocation = { kind: 'everything', before: NOW, at: NOW + 2_000, expiresAt: NOW + DAY }
    equal(await sessions.count({ everyone: true, beforeMs: NOW }, NOW), 1)
    deepEqual(await sessions.end({ everyone: true, beforeMs: NOW }, record), { ended: 1, recorded: [record] })
    equal((await sessions.rotate(claim('old', 0))).outcome, 'ended')
    equal((await sessions.rotate(claim('refreshed', 1, { token: issuedLater('refreshed') }))).outcome, 'rotated')
  })

  test('counts the live sessions that an end would end', async ({ sessions }) => {
    await sessions.start(newSession('s1'))
    await sessions.start(newSession('s2', { createdAtMs: NOW + 1 }))
    await sessions.start(newSession('over', { expiresAtMs: NOW }))
    await sessions.start(newSession('bob', { sub: 'bob' }))
    const counted = async (which: SessionSelector) => sessions.count(which, NOW)
    equal(await counted({ sid: 's1' }), 1)
    equal(await counted({ sid: 'over' }), 0)
    equal(await counted({ sid: 'nobody' }), 0)
    equal(await counted({ sub: 'alice' }), 2)
    equal(await counted({ sub: 'alice', beforeMs: NOW }), 1)
    equal(await counted({ sub: 'alice', except: 's1' }), 1)
    equal(await counted({ everyone: true }), 3)
    await sessions.end({ sid: 's1' }, sessionRevocation('s1'))
    equal(await counted({ sub: 'alice' }), 1)
  })
}

/** What a test of the sessions works on. */
interface Parts {
  readonly ledger: Ledger
  readonly sessions: SingleSessions
  readonly batched: Sessions
}

/** The same verbs, one wish at a time. */
interface SingleSessions extends Pick<Sessions, 'get' | 'list' | 'count' | 'sweep'> {
  start(session: NewSession): Promise<'started' | 'exists'>
  rotate(claim: RotateClaim): Promise<RotateOutcome>
  end(which: SessionSelector, revocation: Revocation): Promise<EndResult>
}

function oneByOne(sessions: Sessions): SingleSessions {
  return {
    start: async (session) => only(await sessions.start([session])),
    rotate: async (wish) => only(await sessions.rotate([wish])),
    end: async (which, revocation) => only(await sessions.end([{ which, revocation }])),
    get: (sid, nowMs) => sessions.get(sid, nowMs),
    list: (sub, page, nowMs) => sessions.list(sub, page, nowMs),
    count: (which, nowMs) => sessions.count(which, nowMs),
    sweep: (nowMs, limit) => sessions.sweep(nowMs, limit),
  }
}

function only<T>(answers: readonly T[]): T {
  const [answer] = answers
  equal(answers.length, 1)
  return answer as T
}

function issuedLater(sid: string): RotateClaim['token'] {
  return { jti: `${sid}-1`, sid, sub: 'alice', iatMs: NOW + 1_000 }
}
