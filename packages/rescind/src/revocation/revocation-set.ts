import { type RandomSource, systemRandom } from '../base/ids.ts'
import type { TokenIds } from '../base/types.ts'
import { IdKeys, KEY_PLACE, KEY_SLOT, KEY_SPARE, KEY_WORDS } from './id-key.ts'
import { IdTable } from './id-table.ts'
import type { Revocation, RevocationKind } from './revocation.ts'
import { SubjectCutoffs } from './subject-cutoffs.ts'

/**
 * The ids of a token that is checked again and again, with their hashes. It belongs to the set that prepared it. Most
 * checks touch the numbers only.
 */
export interface PreparedIds {
  readonly ids: TokenIds
  readonly hasJti: boolean
  readonly hasSid: boolean
  readonly hasSub: boolean
  readonly jtiPlace: number
  readonly jtiSlot: number
  readonly sidPlace: number
  readonly sidSlot: number
  readonly subPlace: number
  readonly subSlot: number
}

/**
 * The live revocations in memory, asked on every request. Exact: whole ids are compared, and no hash decides. What it
 * holds lies outside the JavaScript heap, 26 to 32 bytes for a token or session that has a UUID (up to 36 after many
 * have expired); the characters of other ids come on top.
 */
export interface RevocationSet {
  /** Takes a record in; true when that changed anything. */
  add(record: Revocation): boolean
  /** Hashes the ids of a token once for many a {@link findPrepared}. */
  prepare(ids: TokenIds): PreparedIds
  /** The kind of record that kills a token with these ids, or `null`. Constant time; allocates nothing. */
  find(ids: TokenIds): RevocationKind | null
  /** As {@link find}, for ids that this set has prepared. */
  findPrepared(prepared: PreparedIds): RevocationKind | null
  /** The time of issue up to which every token of this `sub` and `sid` is dead, in milliseconds; -Infinity for none. */
  cutoff(sub: string | undefined, sid: string | undefined): number
  /** Forgets what has expired: about a millisecond of work for each slice; yields how many ids that were. */
  forget(nowMs: number): Generator<number>
  /**
   * Records that come to what is held, said to be made at `atMs`; an expiry is rounded up to two seconds. What is added
   * or forgotten meanwhile may be among them or not, and a record may come twice.
   */
  records(atMs: number): Generator<Revocation>
  /** The ids held; a subject counts once however many cut-offs it has, and `everything` is one. */
  readonly size: number
  /** The bytes held outside the heap. */
  readonly bytes: number
  /** Grows whenever something is added that may kill a token that was alive. */
  readonly version: number
}

// Where the keys of the three ids of a token lie while they are looked up.
const JTI = 0
const SID = KEY_WORDS
const SUB = 2 * KEY_WORDS

/** Makes an empty set. */
export function createRevocationSet(random: RandomSource = systemRandom): RevocationSet {
  const keys = new IdKeys(random)
  const tokens = new IdTable(keys)
  const sessions = new IdTable(keys)
  const subjects = new SubjectCutoffs(keys)
  const everything = { held: false, before: Number.NEGATIVE_INFINITY, expiresAt: Number.NEGATIVE_INFINITY }
  const key = new Int32Array(3 * KEY_WORDS)
  let version = 0

  const addEverything = (before: number, expiresAt: number) => {
    const reachesFurther = before > everything.before
    const prolonged = !(expiresAt <= everything.expiresAt)
    everything.held = true
    if (reachesFurther) everything.before = before
    if (prolonged) everything.expiresAt = expiresAt
    return reachesFurther ? 'fresh' : prolonged ? 'prolonged' : 'known'
  }

  const put = (record: Revocation) => {
    if (record.kind === 'everything') return addEverything(record.before, record.expiresAt)
    keys.write(record.id, key, JTI)
    if (record.kind === 'subject') return subjects.add(record, key, JTI)
    return (record.kind === 'token' ? tokens : sessions).put(record.id, key, JTI, record.expiresAt)
  }

  /** The verdict on ids that may be held, whose keys have been written. */
  const confirm = (ids: TokenIds, mayJti: boolean, maySid: boolean, maySub: boolean): RevocationKind | null => {
    if (maySub && subjects.kills(ids, key, SUB)) return 'subject'
    if (maySid && ids.sid !== undefined && sessions.seek(ids.sid, key, SID)) return 'session'
    if (mayJti && ids.jti !== undefined && tokens.seek(ids.jti, key, JTI)) return 'token'
    return null
  }

  return {
    add(record) {
      const outcome = put(record)
      if (outcome === 'fresh') version += 1
      return outcome !== 'known'
    },
    prepare(ids) {
      const { jti, sid, sub } = ids
      const words = new Int32Array(3 * KEY_WORDS)
      if (jti !== undefined) keys.write(jti, words, JTI)
      if (sid !== undefined) keys.write(sid, words, SID)
      if (sub !== undefined) keys.write(sub, words, SUB)
      const word = (at: number) => words[at] ?? 0
      return {
        ids,
        hasJti: jti !== undefined,
        hasSid: sid !== undefined,
        hasSub: sub !== undefined,
        jtiPlace: word(JTI + KEY_PLACE),
        jtiSlot: word(JTI + KEY_SLOT),
        sidPlace: word(SID + KEY_PLACE),
        sidSlot: word(SID + KEY_SLOT),
        subPlace: word(SUB + KEY_PLACE),
        subSlot: word(SUB + KEY_SLOT),
      }
    },
    find(ids) {
      const { jti, sid, sub } = ids
      if (everything.held && ids.iatMs <= everything.before) return 'everything'
      // An id is not even hashed for a table that is empty.
      const hasJti = jti !== undefined && tokens.size > 0
      const hasSid = sid !== undefined && sessions.size > 0
      const hasSub = sub !== undefined && subjects.table.size > 0
      // Memory is asked for what one id needs before the next is hashed, and no answer is used before all have been asked
      // for: so the processor waits less than once for each.
      if (hasJti) {
        keys.write(jti, key, JTI)
        key[JTI + KEY_SPARE] = tokens.touch(key[JTI + KEY_PLACE] ?? 0, key[JTI + KEY_SLOT] ?? 0)
      }
      if (hasSid) {
        keys.write(sid, key, SID)
        key[SID + KEY_SPARE] = sessions.touch(key[SID + KEY_PLACE] ?? 0, key[SID + KEY_SLOT] ?? 0)
      }
      if (hasSub) keys.write(sub, key, SUB)
      const mayJti = hasJti && tokens.mayHold(key[JTI + KEY_PLACE] ?? 0, key[JTI + KEY_SLOT] ?? 0)
      const maySid = hasSid && sessions.mayHold(key[SID + KEY_PLACE] ?? 0, key[SID + KEY_SLOT] ?? 0)
      const maySub = hasSub && subjects.table.mayHold(key[SUB + KEY_PLACE] ?? 0, key[SUB + KEY_SLOT] ?? 0)
      return mayJti || maySid || maySub ? confirm(ids, mayJti, maySid, maySub) : null
    },
    findPrepared(prepared) {
      if (everything.held && prepared.ids.iatMs <= everything.before) return 'everything'
      const mayJti = prepared.hasJti && tokens.mayHold(prepared.jtiPlace, prepared.jtiSlot)
      const maySid = prepared.hasSid && sessions.mayHold(prepared.sidPlace, prepared.sidSlot)
      const maySub = prepared.hasSub && subjects.table.mayHold(prepared.subPlace, prepared.subSlot)
      if (!mayJti && !maySid && !maySub) return null
      const { ids } = prepared
      if (mayJti && ids.jti !== undefined) keys.write(ids.jti, key, JTI)
      if (maySid && ids.sid !== undefined) keys.write(ids.sid, key, SID)
      if (maySub && ids.sub !== undefined) keys.write(ids.sub, key, SUB)
      return confirm(ids, mayJti, maySid, maySub)
    },
    cutoff(sub, sid) {
      if (sub === undefined) return everything.before
      keys.write(sub, key, SUB)
      return Math.max(everything.before, subjects.cutoff(sub, sid, key, SUB))
    },
    *forget(nowMs) {
      if (everything.held && everything.expiresAt <= nowMs) {
        everything.held = false
        everything.before = Number.NEGATIVE_INFINITY
        everything.expiresAt = Number.NEGATIVE_INFINITY
        yield 1
      }
      yield* tokens.forget(nowMs)
      yield* sessions.forget(nowMs)
      yield* subjects.forget(nowMs)
    },
    *records(atMs) {
      if (everything.held) {
        yield { kind: 'everything', before: everything.before, at: atMs, expiresAt: everything.expiresAt }
      }
      yield* subjects.records(atMs)
      for (const [kind, table] of [
        ['session', sessions],
        ['token', tokens],
      ] as const) {
        for (const { id, expiresAtMs: expiresAt } of table.entries()) yield { kind, id, at: atMs, expiresAt }
      }
    },
    get size() {
      return tokens.size + sessions.size + subjects.table.size + (everything.held ? 1 : 0)
    },
    get bytes() {
      return tokens.bytes + sessions.bytes + subjects.table.bytes
    },
    get version() {
      return version
    },
  }
}
