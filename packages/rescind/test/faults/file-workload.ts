import { deepEqual, ok } from 'node:assert/strict'
import type { Position, Revocation, RotateClaim, Store } from 'rescind'
import type { Random } from '../support/random.ts'

const NOW = 1_700_000_000_000
/** When the records of no consequence expire; they make the log worth compacting. */
const SOON = NOW + 1_000
const LATER = NOW + 86_400_000
const TRIES = 3

/** What was acknowledged, and what may have happened besides. */
export interface Book {
  /** For each revocation acknowledged when it expires. */
  readonly revoked: Map<string, number>
  readonly sessions: Map<string, Login>
  generation: string | null
  /** The last position that was answered. */
  position: Position | null
}

interface Login {
  /** Which of its refresh tokens is known to be the current one. */
  token: number
  /** A rotation or an end was asked for and not answered. */
  isUncertain: boolean
  hasEnded: boolean
}

/** Makes an empty book. */
export function createBook(): Book {
  return { revoked: new Map(), sessions: new Map(), generation: null, position: null }
}

/** A revocation as the workload makes them. */
export function revocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt, reason: 'logout' }
}

/** What one caller does. */
export interface Work {
  /** Begins the ids it makes up; no other caller has it. */
  readonly name: string
  readonly count: number
  readonly random: Random
  /** After these failures it tries again, and in the end goes on; after others it ends. */
  readonly survives?: (error: unknown) => boolean
}

/** Does one thing after the other, at random. */
export async function work(store: Store, book: Book, of: Work): Promise<void> {
  const { name, count, random, survives = () => false } = of
  const revoke = async (id: string, expiresAt: number) => {
    book.position = await store.ledger.append([revocation(id, expiresAt)])
    if (expiresAt >= LATER) book.revoked.set(id, expiresAt)
  }
  const mine: string[] = []
  const choose = (n: number): (() => Promise<unknown>) => {
    const chance = random.next()
    const sid = mine.at(random.below(mine.length + 1))
    if (chance < 0.4) return () => revoke(`${name}-${n}`, LATER)
    if (chance < 0.6) return () => revoke(`${name}-${n}-soon`, SOON)
    if (chance < 0.65) return () => store.ledger.prune(SOON, 100)
    if (chance < 0.7) return () => revoke(`${name}-again`, LATER + n)
    if (sid === undefined) return async () => mine.push(await start(store, book, `${name}-s${n}`))
    return chance < 0.97 ? () => rotate(store, book, sid) : () => end(store, book, sid)
  }
  for (let n = 0; n < count; n += 1) {
    const act = choose(n)
    for (let tries = 0; tries < TRIES; tries += 1) {
      try {
        await act()
        break
      } catch (error) {
        if (!survives(error)) throw error
      }
    }
  }
}

async function start({ sessions }: Store, book: Book, sid: string): Promise<string> {
  const times = { createdAtMs: NOW, lastUsedAtMs: NOW, expiresAtMs: LATER, endsAtMs: LATER }
  await sessions.start([{ sid, sub: 'alice', ...times, ip: null, userAgent: null, refreshHash: `${sid}-0` }])
  book.sessions.set(sid, { token: 0, isUncertain: false, hasEnded: false })
  return sid
}

async function rotate({ sessions }: Store, book: Book, sid: string): Promise<void> {
  const login = loginOf(book, sid)
  const { isUncertain, hasEnded } = login
  login.isUncertain = true
  const [result] = await sessions.rotate([claim(sid, login.token)])
  login.isUncertain = false
  const possible = hasEnded ? ['ended'] : isUncertain ? ['rotated', 'replayed', 'ended'] : ['rotated']
  ok(possible.includes(result?.outcome ?? ''), `${sid}: ${result?.outcome}, not ${possible}`)
  if (result?.outcome === 'ended') login.hasEnded = true
  else login.token += 1
}

async function end({ sessions }: Store, book: Book, sid: string): Promise<void> {
  const login = loginOf(book, sid)
  login.isUncertain = true
  await sessions.end([{ which: { sid }, revocation: { kind: 'session', id: sid, at: NOW, expiresAt: LATER } }])
  login.isUncertain = false
  login.hasEnded = true
}

function loginOf(book: Book, sid: string): Login {
  const login = book.sessions.get(sid)
  if (login === undefined) throw new Error(`${sid} is not in the book`)
  return login
}

function claim(sid: string, token: number): RotateClaim {
  return {
    sid,
    token: { jti: `${sid}-${token}`, sid, sub: 'alice', iatMs: NOW },
    presentedHash: `${sid}-${token}`,
    successorHash: `${sid}-${token + 1}`,
    nowMs: NOW,
    expiresAtMs: LATER,
    graceMs: 1_000,
    onReuse: { kind: 'session', id: sid, at: NOW, expiresAt: LATER, reason: 'reused' },
  }
}

/** Fails where the store lacks anything that the book says was acknowledged. */
export async function check(store: Store, book: Book): Promise<void> {
  const { ledger } = store
  const generation = await ledger.generation()
  ok(book.generation === null || generation === book.generation, 'the generation has changed')
  book.generation = generation
  const held = new Map<string, number>()
  for await (const page of ledger.read(null)) {
    for (const record of page.records) if (record.kind !== 'everything') held.set(record.id, record.expiresAt)
  }
  const lost = [...book.revoked].filter(([id, expiresAt]) => (held.get(id) ?? 0) < expiresAt)
  deepEqual(lost, [], 'acknowledged revocations are lost')
  for (const id of [...book.revoked.keys()].slice(-5)) {
    ok(await ledger.find({ jti: id, sid: undefined, sub: undefined, iatMs: NOW }, NOW))
  }
  // Rejects when the position is not in the history any more.
  if (book.position !== null) await ledger.read(book.position)[Symbol.asyncIterator]().next()
  const ended = [...book.sessions].filter(([sid, login]) => login.hasEnded && !held.has(sid))
  deepEqual(ended, [], 'acknowledged ends of sessions are lost')
  await Promise.all([...book.sessions.keys()].map((sid) => rotate(store, book, sid)))
}
