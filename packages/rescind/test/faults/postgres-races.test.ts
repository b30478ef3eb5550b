import type { EndOrder, Revocation, RotateOutcome, Store } from 'rescind'
import { expect, it, onTestFinished } from 'vitest'
import { claim, LATER, NOW, newSession, sessionRevocation } from '../stores/ledger-samples.ts'
import { useSchemas } from '../stores/postgres-schemas.ts'

const openSchema = useSchemas()

/** Five stores over five pools, as five processes would have them. */
async function fiveStores(): Promise<[Store, Store, Store, Store, Store]> {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const open = () => schema.openStore(schema.openPool({ max: 8 }))
  return [open(), open(), open(), open(), open()]
}

const outcomesOf = (results: readonly RotateOutcome[]) => results.map(({ outcome }) => outcome)
const orderFor = (sid: string): EndOrder => ({ which: { sid }, revocation: sessionRevocation(sid) })

it('of 50 rotations at once through five pools one wins, and of 50 endings one ends', async () => {
  const stores = await fiveStores()
  for (let round = 0; round < 10; round += 1) {
    const sid = `s${round}`
    await stores[0].sessions.start([newSession(sid)])
    const rotations = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const { sessions } = stores[n % 5] ?? stores[0]
        return sessions.rotate([claim(sid, 0, { nowMs: NOW + n, successorHash: `${sid}-1` })])
      }),
    )
    expect(outcomesOf(rotations.flat()).toSorted()).toEqual([...Array(49).fill('replayed'), 'rotated'])
    expect(new Set(rotations.flat().map((each) => ('issuedAtMs' in each ? each.issuedAtMs : null))).size).toBe(1)
    const endings = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (stores[n % 5] ?? stores[0]).sessions.end([orderFor(sid)])),
    )
    expect(endings.flat().reduce((sum, { ended }) => sum + ended, 0)).toBe(1)
  }
})

it('rotations of the same sessions in batches, each in another order, name one winner each and do not fail', async () => {
  const stores = await fiveStores()
  const sids = Array.from({ length: 60 }, (_, n) => `s${n}`)
  await stores[0].sessions.start(sids.map((sid) => newSession(sid)))
  const batches = await Promise.all(
    Array.from({ length: 20 }, (_, n) => {
      const shuffled = sids.toSorted(() => Math.random() - 0.5)
      return (stores[n % 5] ?? stores[0]).sessions.rotate(shuffled.map((sid) => claim(sid, 0)))
    }),
  )
  const rotated = batches.flat().filter((each) => each.outcome === 'rotated')
  expect(new Set(rotated.map((each) => ('session' in each ? each.session.sid : ''))).size).toBe(60)
  expect(rotated.length).toBe(60)
})

/** The ways to end a session `sid` of the subject `sub`. */
const endings: Record<string, (sid: string, sub: string) => EndOrder> = {
  'one session': (sid) => orderFor(sid),
  'a subject': (_sid, sub) => ({ which: { sub }, revocation: subjectRevocation(sub) }),
  'a subject, up to a time': (_sid, sub) => ({ which: { sub, beforeMs: LATER }, revocation: subjectRevocation(sub) }),
  // Each round has its own time and is the only one of its moment: no other round's record may cover for its own.
  everyone: () => ({
    which: { everyone: true },
    revocation: { kind: 'everything', before: NOW - 1_000_000, at: NOW, expiresAt: LATER },
  }),
}

function subjectRevocation(sub: string): Revocation {
  return { kind: 'subject', id: sub, before: NOW - 1_000_000, at: NOW, expiresAt: LATER }
}

const ROUNDS = 250

for (const [what, ending] of Object.entries(endings)) {
  it(`ending ${what} while it is refreshed never leaves a live successor, in ${ROUNDS} rounds`, async () => {
    const stores = await fiveStores()
    const won = { rotation: 0, ending: 0 }
    const round = async (n: number) => {
      const [here, there] = [stores[n % 5] ?? stores[0], stores[(n + 1) % 5] ?? stores[0]]
      const sid = `s${n}`
      const sub = `u${n}`
      const nowMs = NOW + 2 * n
      const token = { jti: `${sid}-0`, sid, sub, iatMs: nowMs }
      await here.sessions.start([newSession(sid, { sub, createdAtMs: nowMs })])
      const refresh = () => here.sessions.rotate([claim(sid, 0, { token, nowMs: nowMs + 1 })])
      const logOut = () => there.sessions.end([ending(sid, sub)])
      const contenders = n % 2 === 0 ? [refresh(), logOut()] : [logOut(), refresh()]
      const results = await Promise.all(contenders)
      const [rotation] = outcomesOf(results[n % 2] as RotateOutcome[])
      won[rotation === 'rotated' ? 'rotation' : 'ending'] += 1
      const successor = { jti: `${sid}-1`, sid, sub, iatMs: nowMs + 1 }
      const after = [claim(sid, 0, { token, nowMs }), claim(sid, 1, { token: successor, nowMs })]
      expect(outcomesOf(await there.sessions.rotate(after)), `round ${n}`).toEqual(['ended', 'ended'])
      expect(await here.sessions.get(sid, NOW)).toBeNull()
      // What a replica tells the successor's tokens by.
      if (rotation === 'rotated') expect(await here.ledger.find(successor, NOW), `round ${n}`).not.toBeNull()
    }
    for (let n = 0; n < ROUNDS; n += 1) await round(n)
    // Both orders came about: the race was one.
    expect(won.rotation).toBeGreaterThan(0)
    expect(won.ending).toBeGreaterThan(0)
  }, 60_000)
}
