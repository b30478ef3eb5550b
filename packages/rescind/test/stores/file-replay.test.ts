import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict'
import type { NewSession, Revocation, RotateClaim, SessionSelector, Store } from 'rescind'
import type { FileSystemLike } from 'rescind/stores/file'
import { fileStore } from 'rescind/stores/file'
import { describe, it } from 'vitest'
import { createSimulatedDisk } from '../faults/file-disk.ts'
import { createRandom, type Random } from '../support/random.ts'

const NOW = 1_700_000_000_000
const STEPS = 300
/** Few ids and few deadlines, so that commands meet and deadlines tie. */
const IDS = 30
const DEADLINES = 5

function anyRevocation(random: Random): Revocation {
  const id = `id-${random.below(IDS)}`
  const facts = { at: NOW, expiresAt: NOW + random.below(DEADLINES) }
  const before = NOW + random.below(3)
  return random.pick<readonly Revocation[]>([
    { kind: 'token', id, ...facts },
    { kind: 'session', id, ...facts },
    { kind: 'subject', id, before, ...facts, by: 'an operator' },
    { kind: 'subject', id, before, except: `id-${random.below(IDS)}`, ...facts },
    { kind: 'everything', before: before - 1_000, ...facts, reason: 'a leak' },
  ])
}

function anySession(random: Random): NewSession {
  const times = { createdAtMs: NOW + random.below(3), lastUsedAtMs: NOW, endsAtMs: NOW + DEADLINES }
  const sid = `id-${random.below(IDS)}`
  const expiresAtMs = NOW + random.below(DEADLINES)
  return { sid, sub: `id-${random.below(3)}`, ...times, expiresAtMs, ip: null, userAgent: 'ünï', refreshHash: 'hash-0' }
}

function anyClaim(random: Random): RotateClaim {
  const sid = `id-${random.below(IDS)}`
  const token = random.below(4)
  return {
    sid,
    token: { jti: `id-${random.below(IDS)}`, sid, sub: undefined, iatMs: NOW },
    presentedHash: `hash-${token}`,
    successorHash: `hash-${token + 1}`,
    nowMs: NOW + random.below(DEADLINES),
    expiresAtMs: NOW + random.below(2 * DEADLINES),
    graceMs: random.below(3),
    onReuse: { kind: 'session', id: sid, at: NOW, expiresAt: NOW + random.below(DEADLINES) },
  }
}

function step(store: Store, random: Random): Promise<unknown> {
  const nowMs = NOW + random.below(DEADLINES) - 2
  const several = <T>(make: (random: Random) => T) => Array.from({ length: 1 + random.below(3) }, () => make(random))
  const which = random.pick<readonly SessionSelector[]>([
    { sid: `id-${random.below(IDS)}` },
    { sub: `id-${random.below(3)}`, beforeMs: random.pick([undefined, NOW + 1]), except: `id-${random.below(IDS)}` },
    { everyone: true, beforeMs: random.pick([undefined, NOW]) },
  ])
  const end = () => store.sessions.end([{ which, revocation: anyRevocation(random) }])
  const verb = random.pick([
    () => store.ledger.append(several(anyRevocation)),
    () => store.ledger.prune(nowMs, 1 + random.below(4)),
    () => store.sessions.start(several(anySession)),
    () => store.sessions.start(several(anySession)),
    () => store.sessions.rotate(several(anyClaim)),
    () => store.sessions.sweep(nowMs, 1 + random.below(2)),
    () => (random.below(4) === 0 ? end() : store.sessions.rotate(several(anyClaim))),
  ])
  return verb()
}

/** All that a store answers. */
async function answers({ ledger, sessions }: Store): Promise<unknown> {
  const pages: unknown[] = []
  for await (const page of ledger.read(null)) pages.push(page)
  const ids = Array.from({ length: IDS }, (_, n) => `id-${n}`)
  return {
    pages,
    sessions: await Promise.all(ids.map((sid) => sessions.get(sid, 0))),
    lists: await Promise.all(ids.map((sub) => sessions.list(sub, { limit: 100 }, 0))),
    found: await Promise.all(ids.map((id) => ledger.find({ jti: id, sid: id, sub: id, iatMs: NOW }, NOW))),
  }
}

describe('the state of the file store', () => {
  for (const seed of Array.from({ length: 8 }, (_, n) => n)) {
    it(`is the same for who wrote the log, who followed it and who replays it (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const disk = createSimulatedDisk(random)
      const fileSystem: FileSystemLike = disk.boot()
      const open = (compactBytes: number) => fileStore('/data/log', { fileSystem, compactBytes })
      const [first, second, idle] = [open(4_096), open(1_000_000), open(1_000_000)] as const
      for (let n = 0; n < STEPS; n += 1) {
        await Promise.all([step(first, random), step(second, random), step(first, random)])
        if (n % 40 === 0) await idle.ledger.generation()
      }
      const late = open(1_000_000)
      const expected = await answers(first)
      for (const store of [second, idle, late]) deepEqual(await answers(store), expected)
      // Which ones go first shows the order that no listing does.
      for (let n = 0; n < 6; n += 1) {
        await late.sessions.sweep(NOW + DEADLINES, 1)
        await second.ledger.prune(NOW + DEADLINES, 1)
        const after = await answers(first)
        notDeepEqual(after, expected)
        for (const store of [second, idle, late]) deepEqual(await answers(store), after)
      }
      equal(disk.list().length, 1)
      ok(Number(disk.list()[0]?.split('.')[1]) > 2)
      await Promise.all([first, second, idle, late].map((store) => store.close()))
    })
  }
})
