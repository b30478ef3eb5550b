import { type IdKeys, KEY_PLACE, KEY_SLOT, KEY_TEXT, uuidOf } from './id-key.ts'
import { IdTexts } from './id-texts.ts'
import { DEAD, FREE, firstGroup, GROUP_SLOTS, hasFree, mayHold, tagOf } from './tag-groups.ts'

// A row: three words of the key; the fourth word of a UUID, or where a text begins; when it is due, above a bit that is
// set for a text; and the words that a table adds.
const ROW_LAST = 3
const ROW_DUE = 4
const TEXT = 1

/** Where in a row the words begin that a table adds. */
export const ROW_EXTRA = 5

/** A row that is never forgotten. */
export const NEVER = 0x7fffffff

/** A segment that would have to grow beyond this is split in two. */
export const MAX_ROWS = 16_384
/** So is one with this many bytes of text, unless its ids are so long that few of them fill it. */
export const MAX_TEXT_BYTES = 1 << 20
const FEW_ROWS = 64
const MUCH_TEXT = 1 << 12

// At most 85 of 100 slots are filled. A fresh segment has room for a quarter more rows than it is made for, which comes
// to 25 to 32 bytes for a row of five words and its tag.
const MAX_LOAD = 0.85
const SPARE = 1.28
const MIN_GROUPS = 8
const MAX_GROUPS = Math.ceil((MAX_ROWS + 1) / MAX_LOAD / GROUP_SLOTS)
// A smaller segment has to be so much smaller, and one of the same size so much emptier, to be worth the making.
const WORTH_SHRINKING = 0.9
const WORTH_CLEANING = 0.9

/** What is kept of one id. */
export interface IdEntry {
  readonly id: string
  readonly due: number
  /** The array that holds its row, and where in it. */
  readonly words: Int32Array
  readonly at: number
}

/** How a segment is made. */
interface SegmentParts {
  readonly keys: IdKeys
  /** The words of a row. */
  readonly rowWords: number
  /** How many leading bits of the place its keys share, and those bits. */
  readonly depth: number
  readonly prefix: number
  /** Groups of four slots: see {@link groupsFor}. */
  readonly groups: number
}

/**
 * A part of a table: an open-addressed hash table of a size that never changes, with the texts of those ids that are no
 * UUIDs. To grow, shrink, split or merge, segments are poured into fresh ones.
 */
export class IdSegment {
  readonly depth: number
  readonly prefix: number
  /** The rows. */
  readonly words: Int32Array
  live = 0
  /** No row is due before this. */
  firstDue = NEVER
  readonly #keys: IdKeys
  readonly #rowWords: number
  readonly #tags: Uint8Array
  readonly #tagGroups: Int32Array
  readonly #texts = new IdTexts()
  // Slots that are not free, and bytes of texts whose rows are gone.
  #used = 0
  #deadText = 0

  constructor(parts: SegmentParts) {
    this.#keys = parts.keys
    this.#rowWords = parts.rowWords
    this.depth = parts.depth
    this.prefix = parts.prefix
    this.#tagGroups = new Int32Array(parts.groups)
    this.#tags = new Uint8Array(this.#tagGroups.buffer)
    this.words = new Int32Array(this.#tags.length * parts.rowWords)
  }

  /** The bytes held outside the heap. */
  get bytes(): number {
    return this.#tags.byteLength + this.words.byteLength + this.#texts.bytes
  }

  /** The bytes of the texts of its rows. */
  get textBytes(): number {
    return this.#texts.used - this.#deadText
  }

  /** True while another row may come. */
  get hasRoom(): boolean {
    return this.#used + 1 <= this.#tags.length * MAX_LOAD && !this.#hasMuchText
  }

  /** True for one without room that a larger one, or one without what is dead, would not help. */
  get isFull(): boolean {
    return this.live * SPARE > MAX_ROWS || (this.#hasMuchText && this.textBytes > MAX_TEXT_BYTES / 2)
  }

  /** True for one that takes much more memory than its rows need. */
  get isSparse(): boolean {
    const fewRows = groupsFor(this.live) < this.#tagGroups.length * WORTH_SHRINKING
    return fewRows || this.#deadText > Math.max(this.textBytes, MUCH_TEXT)
  }

  /** The groups that one to take its place needs. */
  get groupsNeeded(): number {
    const emptier = this.live < this.#tags.length * MAX_LOAD * WORTH_CLEANING
    return Math.min(groupsFor(this.live), emptier ? this.#tagGroups.length : MAX_GROUPS)
  }

  get #hasMuchText(): boolean {
    return this.#texts.used >= MAX_TEXT_BYTES && this.live > FEW_ROWS
  }

  /** False when no key with these hashes is here. */
  mayHold(place: number, slotHash: number): boolean {
    return mayHold(this.#tagGroups, place, slotHash)
  }

  /** The tags where the search for a key begins. */
  touch(slotHash: number): number {
    return this.#tagGroups[firstGroup(slotHash, this.#tagGroups.length)] ?? 0
  }

  /** Where in {@link words} the row of an id begins, whose key is at `at`; -1 for none. */
  seek(id: string, key: Int32Array, at: number): number {
    const tags = this.#tags
    const wanted = tagOf(key[at + KEY_PLACE] ?? 0)
    let slot = GROUP_SLOTS * firstGroup(key[at + KEY_SLOT] ?? 0, this.#tagGroups.length)
    for (;;) {
      let free = false
      for (const end = slot + GROUP_SLOTS; slot < end; slot += 1) {
        const tag = tags[slot]
        if (tag === wanted && this.#isOf(slot * this.#rowWords, id, key, at)) return slot * this.#rowWords
        if (tag === FREE) free = true
      }
      if (free) return -1
      if (slot === tags.length) slot = 0
    }
  }

  #isOf(row: number, id: string, key: Int32Array, at: number): boolean {
    const { words } = this
    const isText = (words[row + ROW_DUE] ?? 0) & TEXT
    const last = words[row + ROW_LAST] ?? 0
    return (
      words[row] === key[at] &&
      words[row + 1] === key[at + 1] &&
      words[row + 2] === key[at + 2] &&
      isText === key[at + KEY_TEXT] &&
      (isText === TEXT ? this.#texts.equals(last, id) : last === key[at + ROW_LAST])
    )
  }

  /** Adds a row for an id, whose key is at `at` and which must not be here; answers where it begins. There has to be room. */
  add(id: string, due: number, key: Int32Array, at: number): number {
    const row = this.#take(key[at + KEY_PLACE] ?? 0, key[at + KEY_SLOT] ?? 0)
    const isText = key[at + KEY_TEXT] === TEXT
    const { words } = this
    for (let word = 0; word < ROW_DUE; word += 1) words[row + word] = key[at + word] ?? 0
    if (isText) words[row + ROW_LAST] = this.#texts.add(id)
    words[row + ROW_DUE] = (due << 1) | (isText ? TEXT : 0)
    this.#hasDue(due)
    return row
  }

  /** When the row that begins at `row` is due. */
  dueOf(row: number): number {
    return (this.words[row + ROW_DUE] ?? 0) >>> 1
  }

  /** Keeps the row that begins at `row` until later. */
  prolong(row: number, due: number): void {
    this.words[row + ROW_DUE] = (due << 1) | ((this.words[row + ROW_DUE] ?? 0) & TEXT)
  }

  /** Takes out every row due by `due`; answers how many. */
  expire(due: number): number {
    const { words } = this
    const tags = this.#tags
    let firstDue = NEVER
    let killed = 0
    for (let slot = 0; slot < tags.length; slot += 1) {
      if ((tags[slot] ?? 0) <= DEAD) continue
      const row = slot * this.#rowWords
      const dueWord = words[row + ROW_DUE] ?? 0
      const rowDue = dueWord >>> 1
      if (rowDue > due) {
        if (rowDue < firstDue) firstDue = rowDue
        continue
      }
      if (dueWord & TEXT) this.#deadText += this.#texts.sizeOf(words[row + ROW_LAST] ?? 0)
      this.#kill(slot)
      killed += 1
    }
    this.live -= killed
    this.firstDue = firstDue
    return killed
  }

  // A search passes only groups that have no free slot. In one that has, a slot may become free as well.
  #kill(slot: number): void {
    const passed = !hasFree(this.#tagGroups[Math.floor(slot / GROUP_SLOTS)] ?? 0)
    this.#tags[slot] = passed ? DEAD : FREE
    if (!passed) this.#used -= 1
  }

  /** Copies every row: to `one` where the place has the bit `bit`, else to `zero`. */
  pour(zero: IdSegment, one: IdSegment, bit: number): void {
    const { words } = this
    for (let slot = 0; slot < this.#tags.length; slot += 1) {
      if ((this.#tags[slot] ?? 0) <= DEAD) continue
      const row = slot * this.#rowWords
      const isText = (words[row + ROW_DUE] ?? 0) & TEXT
      const last = isText ? 0 : (words[row + ROW_LAST] ?? 0)
      const place = this.#keys.placeOf(words, row, last)
      const target = place & bit ? one : zero
      const copy = target.#take(place, this.#keys.slotOf(words, row, last))
      for (let word = 0; word < this.#rowWords; word += 1) target.words[copy + word] = words[row + word] ?? 0
      if (isText) target.words[copy + ROW_LAST] = target.#texts.addFrom(this.#texts, words[row + ROW_LAST] ?? 0)
      target.#hasDue(this.dueOf(row))
    }
  }

  /** What is here. No row moves, so whatever is here from the first entry to the last is among them. */
  *entries(): Generator<IdEntry> {
    const { words } = this
    for (let slot = 0; slot < this.#tags.length; slot += 1) {
      if ((this.#tags[slot] ?? 0) <= DEAD) continue
      const at = slot * this.#rowWords
      const isText = (words[at + ROW_DUE] ?? 0) & TEXT
      const id = isText ? this.#texts.read(words[at + ROW_LAST] ?? 0) : uuidOf(words, at)
      yield { id, due: this.dueOf(at), words, at }
    }
  }

  /** Takes a slot for a key with these hashes; answers where its row begins. */
  #take(place: number, slotHash: number): number {
    const tags = this.#tags
    let slot = GROUP_SLOTS * firstGroup(slotHash, this.#tagGroups.length)
    while ((tags[slot] ?? 0) > DEAD) slot = slot + 1 === tags.length ? 0 : slot + 1
    if (tags[slot] === FREE) this.#used += 1
    tags[slot] = tagOf(place)
    this.live += 1
    return slot * this.#rowWords
  }

  #hasDue(due: number): void {
    if (due < this.firstDue) this.firstDue = due
  }
}

/** The groups of a fresh segment for so many rows. */
export function groupsFor(rows: number): number {
  const groups = Math.ceil((rows * SPARE + 1) / MAX_LOAD / GROUP_SLOTS)
  return Math.min(Math.max(MIN_GROUPS, groups), MAX_GROUPS)
}
