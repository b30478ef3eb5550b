import { type IdKeys, KEY_PLACE } from './id-key.ts'
import { groupsFor, type IdEntry, IdSegment, MAX_ROWS, MAX_TEXT_BYTES, NEVER, ROW_EXTRA } from './id-segment.ts'

/** Due dates are kept in steps of this, rounded up: 31 bits of them reach to the year 2106. */
const DUE_STEP_MS = 2_000
/** The last moment that a Date can hold stands for "never". */
const NEVER_MS = 8.64e15

// Neighbours are merged when they hold so little that what they make together has room to grow before it is split.
const MERGE_ROWS = (MAX_ROWS * 3) / 8
const MERGE_TEXT_BYTES = (MAX_TEXT_BYTES * 3) / 8

// Rows looked at in one slice of forgetting. To pour a row costs as much as looking at many.
const SLICE_ROWS = 1 << 15
const POUR_COST = 16

const PLACES = 2 ** 32

/** What {@link IdTable.put} did: nothing, a later due date for an id it held, or a new row. */
export type PutOutcome = 'known' | 'prolonged' | 'fresh'

/**
 * Ids with a due date each and, if asked for, some words that the caller looks after. Exact: a lookup compares the whole id.
 *
 * It is an extendible hash table. The leading bits of a key's place choose a segment in the directory; a full segment is
 * split in two. So the table never stops to move everything: the most that one addition costs is one segment.
 */
export class IdTable {
  /** The ids held. */
  size = 0
  /** The row that {@link seek} or {@link put} found or made last: the array that it lies in, and where. */
  words: Int32Array = new Int32Array(0)
  at = 0
  readonly #keys: IdKeys
  readonly #rowWords: number
  // A segment whose depth is less than the directory's stands in several places of it.
  #directory: IdSegment[]
  #shift = 31

  constructor(keys: IdKeys, extraWords = 0) {
    this.#keys = keys
    this.#rowWords = ROW_EXTRA + extraWords
    const first = this.#segment(0, 0, groupsFor(0))
    this.#directory = [first, first]
  }

  /** The bytes held outside the heap. */
  get bytes(): number {
    let bytes = 0
    for (const segment of new Set(this.#directory)) bytes += segment.bytes
    return bytes
  }

  /** False when no id with these two hashes is held. */
  mayHold(place: number, slotHash: number): boolean {
    return this.#segmentOf(place).mayHold(place, slotHash)
  }

  /** Reads what {@link mayHold} is going to read, so that it is near by then. The answer has to be used, or the compiler drops it. */
  touch(place: number, slotHash: number): number {
    return this.#segmentOf(place).touch(slotHash)
  }

  /** True when an id, whose key is at `at`, is held; {@link words} and {@link at} then say where. */
  seek(id: string, key: Int32Array, at: number): boolean {
    const segment = this.#segmentOf(key[at + KEY_PLACE] ?? 0)
    const row = segment.seek(id, key, at)
    if (row < 0) return false
    this.words = segment.words
    this.at = row
    return true
  }

  /** Holds an id, whose key is at `at`, until `expiresAtMs` at least. The words of a fresh row are the caller's to set. */
  put(id: string, key: Int32Array, at: number, expiresAtMs: number): PutOutcome {
    const place = key[at + KEY_PLACE] ?? 0
    const due = dueAt(expiresAtMs)
    let segment = this.#segmentOf(place)
    const known = segment.seek(id, key, at)
    while (known < 0 && !segment.hasRoom) segment = this.#makeRoom(segment, place)
    const row = known < 0 ? segment.add(id, due, key, at) : known
    this.words = segment.words
    this.at = row
    if (known < 0) {
      this.size += 1
      return 'fresh'
    }
    if (segment.dueOf(row) >= due) return 'known'
    segment.prolong(row, due)
    return 'prolonged'
  }

  /** Forgets what is due, a slice at a time; yields how many ids that were. What is added meanwhile is safe. */
  *forget(nowMs: number): Generator<number> {
    const due = Math.min(Math.floor(nowMs / DUE_STEP_MS), NEVER - 1)
    let forgotten = 0
    let work = 0
    for (let place = 0; place < PLACES; ) {
      let segment = this.#segmentOf(place)
      work += segment.live + 1
      if (segment.firstDue <= due) {
        const expired = segment.expire(due)
        this.size -= expired
        forgotten += expired
      }
      if (segment.isSparse) {
        work += segment.live * POUR_COST
        segment = this.#renew(segment)
      }
      for (let left = this.#mergeable(segment); left !== null; left = this.#mergeable(segment)) {
        work += (left.live + segment.live) * POUR_COST
        segment = this.#merge(left, segment)
      }
      place = (segment.prefix + 1) * 2 ** (32 - segment.depth)
      if (work >= SLICE_ROWS) {
        yield forgotten
        forgotten = 0
        work = 0
      }
    }
    this.#shrinkDirectory()
    yield forgotten
  }

  /** What it holds. An id that is added or forgotten meanwhile may be among them or not; one may come twice. */
  *entries(): Generator<IdEntry & { readonly expiresAtMs: number }> {
    for (let place = 0; place < PLACES; ) {
      const segment = this.#segmentOf(place)
      for (const entry of segment.entries()) yield { ...entry, expiresAtMs: expiryOf(entry.due) }
      place = (segment.prefix + 1) * 2 ** (32 - segment.depth)
    }
  }

  #segment(depth: number, prefix: number, groups: number): IdSegment {
    return new IdSegment({ keys: this.#keys, rowWords: this.#rowWords, depth, prefix, groups })
  }

  #segmentOf(place: number): IdSegment {
    const segment = this.#directory[place >>> this.#shift]
    if (segment === undefined) throw new RangeError('the directory has a hole')
    return segment
  }

  /** Puts a larger segment, or two, in the place of one that has no room; answers the one for `place`. */
  #makeRoom(segment: IdSegment, place: number): IdSegment {
    if (segment.isFull) this.#split(segment)
    else this.#renew(segment)
    return this.#segmentOf(place)
  }

  #split(full: IdSegment): void {
    const { depth, prefix, live } = full
    if (depth === 32 - this.#shift) {
      this.#directory = this.#directory.flatMap((segment) => [segment, segment])
      this.#shift -= 1
    }
    const zero = this.#segment(depth + 1, prefix * 2, groupsFor(live / 2))
    const one = this.#segment(depth + 1, prefix * 2 + 1, groupsFor(live / 2))
    full.pour(zero, one, 1 << (31 - depth))
    this.#install(zero)
    this.#install(one)
  }

  /** Puts a fresh segment in the place of one. */
  #renew(segment: IdSegment): IdSegment {
    return this.#pour(this.#segment(segment.depth, segment.prefix, segment.groupsNeeded), [segment])
  }

  /** Puts a segment in the place of two halves of what it is for. */
  #merge(left: IdSegment, right: IdSegment): IdSegment {
    const merged = this.#segment(left.depth - 1, left.prefix / 2, groupsFor(left.live + right.live))
    return this.#pour(merged, [left, right])
  }

  #pour(fresh: IdSegment, sources: readonly IdSegment[]): IdSegment {
    for (const source of sources) source.pour(fresh, fresh, 0)
    this.#install(fresh)
    return fresh
  }

  /** The left neighbour of a segment, when the two are halves of one and small enough to become it again. */
  #mergeable(segment: IdSegment): IdSegment | null {
    if (segment.prefix % 2 === 0) return null
    const left = this.#segmentOf((segment.prefix - 1) * 2 ** (32 - segment.depth))
    const small = left.live + segment.live <= MERGE_ROWS && left.textBytes + segment.textBytes <= MERGE_TEXT_BYTES
    return left.depth === segment.depth && small ? left : null
  }

  #install(segment: IdSegment): void {
    const span = 2 ** (32 - this.#shift - segment.depth)
    this.#directory.fill(segment, segment.prefix * span, (segment.prefix + 1) * span)
  }

  #shrinkDirectory(): void {
    while (this.#shift < 31 && this.#directory.every((segment) => segment.depth < 32 - this.#shift)) {
      this.#directory = this.#directory.filter((_, place) => place % 2 === 0)
      this.#shift += 1
    }
  }
}

function dueAt(expiresAtMs: number): number {
  const due = Math.ceil(expiresAtMs / DUE_STEP_MS)
  // Written so that what is not a number is never forgotten either.
  return due < NEVER ? Math.max(due, 1) : NEVER
}

function expiryOf(due: number): number {
  return due === NEVER ? NEVER_MS : due * DUE_STEP_MS
}
