import type { TokenIds } from '../base/types.ts'
import { type IdKeys, KEY_WORDS } from './id-key.ts'
import { ROW_EXTRA } from './id-segment.ts'
import { IdTable, type PutOutcome } from './id-table.ts'
import type { Revocation } from './revocation.ts'

type SubjectRevocation = Extract<Revocation, { kind: 'subject' }>

/** A cut-off that spares one session. */
interface SparingCutoff {
  readonly before: number
  readonly except: string
}

const BEFORE_WORDS = 2
const IDS_PER_SLICE = 4_096

// A double and its two words: that is how a row of words keeps one, and how it is read without allocating.
const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/**
 * The cut-offs of subjects. A subject has at most one plain cut-off, in a table, and one that spares a session, in a
 * map: two that spare different sessions come to a plain one up to the earlier of the two, and the later one itself.
 * All that a subject has is forgotten together, so that the expiry of one brings back nothing that another had killed.
 */
export class SubjectCutoffs {
  /** The subjects. */
  readonly table: IdTable
  readonly #keys: IdKeys
  // What stands here of a subject counts only while the table holds the subject.
  readonly #sparing = new Map<string, SparingCutoff>()
  readonly #key = new Int32Array(KEY_WORDS)

  constructor(keys: IdKeys) {
    this.#keys = keys
    this.table = new IdTable(keys, BEFORE_WORDS)
  }

  /** Takes a cut-off in. Answers `fresh` also when it reaches further than what was known of the subject. */
  add(record: SubjectRevocation, key: Int32Array, at: number): PutOutcome {
    const { id, before, except } = record
    const outcome = this.table.put(id, key, at, record.expiresAt)
    const isNew = outcome === 'fresh'
    if (isNew) this.#sparing.delete(id)
    const knownPlain = isNew ? Number.NEGATIVE_INFINITY : this.#readBefore()
    const knownSparing = this.#sparing.get(id)
    let plain = knownPlain
    let sparing = knownSparing
    if (except === undefined) {
      plain = Math.max(plain, before)
    } else {
      if (sparing !== undefined && sparing.except !== except) plain = Math.max(plain, Math.min(sparing.before, before))
      if (sparing === undefined || sparing.before < before) sparing = { before, except }
    }
    if (sparing !== undefined && sparing.before <= plain) sparing = undefined
    if (isNew || plain !== knownPlain) this.#writeBefore(plain)
    if (sparing === undefined) this.#sparing.delete(id)
    else this.#sparing.set(id, sparing)
    return plain !== knownPlain || (sparing !== undefined && sparing !== knownSparing) ? 'fresh' : outcome
  }

  /** True when a cut-off kills a token with these ids; the key of its `sub` is at `at`. */
  kills(ids: TokenIds, key: Int32Array, at: number): boolean {
    if (ids.sub === undefined || !this.table.seek(ids.sub, key, at)) return false
    if (ids.iatMs <= this.#readBefore()) return true
    if (this.#sparing.size === 0) return false
    const sparing = this.#sparing.get(ids.sub)
    return sparing !== undefined && ids.iatMs <= sparing.before && ids.sid !== sparing.except
  }

  /** Up to when every token of this `sub` and `sid` is dead; the key of `sub` is at `at`. */
  cutoff(sub: string, sid: string | undefined, key: Int32Array, at: number): number {
    if (!this.table.seek(sub, key, at)) return Number.NEGATIVE_INFINITY
    const plain = this.#readBefore()
    const sparing = this.#sparing.get(sub)
    return sparing === undefined || sparing.except === sid ? plain : sparing.before
  }

  /** Forgets the subjects that are due, a slice at a time; yields how many that were. */
  *forget(nowMs: number): Generator<number> {
    yield* this.table.forget(nowMs)
    let visited = 0
    for (const sub of this.#sparing.keys()) {
      this.#keys.write(sub, this.#key, 0)
      if (!this.table.seek(sub, this.#key, 0)) this.#sparing.delete(sub)
      visited += 1
      if (visited % IDS_PER_SLICE === 0) yield 0
    }
  }

  /** The records that come to what is held. */
  *records(atMs: number): Generator<Revocation> {
    for (const { id, words, at, expiresAtMs: expiresAt } of this.table.entries()) {
      const sparing = this.#sparing.get(id)
      const before = beforeOf(words, at)
      const facts = { kind: 'subject', id, at: atMs, expiresAt } as const
      if (before !== Number.NEGATIVE_INFINITY) yield { ...facts, before }
      if (sparing !== undefined) yield { ...facts, ...sparing }
    }
  }

  #readBefore(): number {
    return beforeOf(this.table.words, this.table.at)
  }

  #writeBefore(before: number): void {
    const { words, at } = this.table
    double[0] = before
    words[at + ROW_EXTRA] = halves[0] ?? 0
    words[at + ROW_EXTRA + 1] = halves[1] ?? 0
  }
}

function beforeOf(words: Int32Array, at: number): number {
  halves[0] = words[at + ROW_EXTRA] ?? 0
  halves[1] = words[at + ROW_EXTRA + 1] ?? 0
  return double[0] ?? 0
}
