import { type RandomSource, systemRandom } from '../base/ids.ts'

/**
 * Where the parts of a key lie in the array that {@link IdKeys.write} fills: four words, the last two of which are 0
 * for a text; 1 for a text or 0 for a UUID; and two hashes that say where a table keeps it.
 */
export const KEY_TEXT = 4
export const KEY_PLACE = 5
export const KEY_SLOT = 6
/** A word that the key does not need. */
export const KEY_SPARE = 7
/** The words that one key takes there. */
export const KEY_WORDS = 8

const UUID_LENGTH = 36
const DASH = 45
const NOT_HEX = 1 << 16
const HEX = new Int32Array(256).fill(NOT_HEX)
for (let digit = 0; digit < 16; digit += 1) HEX[digit.toString(16).charCodeAt(0)] = digit

// The key of HalfSipHash, then nine words for each of the two hashes that place a key.
const SIP_WORDS = 2
const HASH_WORDS = 9
const LAST = 3

/**
 * Turns ids into keys of 128 bits, without allocating. A UUID in lower case is its own key. The key of any other id is a
 * hash, under a secret of this process, so that nobody can look for ids that share one; the text itself has to decide.
 */
export class IdKeys {
  readonly #secret = new Int32Array(SIP_WORDS + 2 * HASH_WORDS)

  constructor(random: RandomSource = systemRandom) {
    random(new Uint8Array(this.#secret.buffer))
  }

  /** Writes the key of an id into `into`, from the index `at` on. */
  write(id: string, into: Int32Array, at: number): void {
    if (writeUuid(id, into, at)) {
      into[at + KEY_TEXT] = 0
    } else {
      this.#writeHash(id, into, at)
      into[at + 2] = 0
      into[at + LAST] = 0
      into[at + KEY_TEXT] = 1
    }
    const last = into[at + LAST] ?? 0
    into[at + KEY_PLACE] = this.placeOf(into, at, last)
    into[at + KEY_SLOT] = this.slotOf(into, at, last)
  }

  /** The hash that chooses a key's segment, from three words at `at` and its last word. */
  placeOf(words: Int32Array, at: number, last: number): number {
    return this.#pairMultiply(SIP_WORDS, words, at, last)
  }

  /** The hash that chooses a key's slot within its segment, independent of {@link placeOf}. */
  slotOf(words: Int32Array, at: number, last: number): number {
    return this.#pairMultiply(SIP_WORDS + HASH_WORDS, words, at, last)
  }

  /** HalfSipHash-2-4, 64 bits, of the id's UTF-16 code units in little-endian order. */
  #writeHash(id: string, into: Int32Array, at: number): void {
    const k0 = this.#secret[0] ?? 0
    const k1 = this.#secret[1] ?? 0
    let v0 = k0
    let v1 = k1 ^ 0xee
    let v2 = k0 ^ 0x6c796765
    let v3 = k1 ^ 0x74656462
    const whole = id.length >> 1
    // The words of the text, one with its length, and two steps that squeeze out 32 bits each.
    for (let step = 0; step < whole + 3; step += 1) {
      let word = 0
      if (step < whole) {
        word = id.charCodeAt(2 * step) | (id.charCodeAt(2 * step + 1) << 16)
      } else if (step === whole) {
        word = (id.length << 25) | (id.length & 1 ? id.charCodeAt(2 * step) : 0)
      } else if (step === whole + 1) {
        v2 ^= 0xee
      } else {
        into[at] = v1 ^ v3
        v1 ^= 0xdd
      }
      v3 ^= word
      for (let round = step <= whole ? 2 : 4; round > 0; round -= 1) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      v0 ^= word
    }
    into[at + 1] = v1 ^ v3
  }

  /**
   * Pair-multiply-shift (Thorup, "High Speed Hashing for Integers and Strings", 2015) over 16-bit halves: whatever two
   * keys somebody chooses without knowing the secret, the upper 17 bits agree no more often than by chance.
   */
  #pairMultiply(from: number, words: Int32Array, at: number, last: number): number {
    const secret = this.#secret
    let sum = secret[from + 2 * LAST + 2] ?? 0
    for (let n = 0; n <= LAST; n += 1) {
      const word = n === LAST ? last : (words[at + n] ?? 0)
      const low = (secret[from + 2 * n] ?? 0) + (word & 0xffff)
      const high = (secret[from + 2 * n + 1] ?? 0) + (word >>> 16)
      sum = (sum + Math.imul(low, high)) | 0
    }
    return sum
  }
}

/** The UUID whose key lies at `at`. */
export function uuidOf(words: Int32Array, at: number): string {
  const hex = (word: number) => ((words[at + word] ?? 0) >>> 0).toString(16).padStart(8, '0')
  const [a, b, c, d] = [hex(0), hex(1), hex(2), hex(3)]
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`
}

/** Writes the 128 bits of a UUID in lower case; false for anything else. */
function writeUuid(id: string, into: Int32Array, at: number): boolean {
  if (id.length !== UUID_LENGTH) return false
  if (id.charCodeAt(8) !== DASH || id.charCodeAt(13) !== DASH) return false
  if (id.charCodeAt(18) !== DASH || id.charCodeAt(23) !== DASH) return false
  const a = fourDigits(id, 0)
  const b = fourDigits(id, 4)
  const c = fourDigits(id, 9)
  const d = fourDigits(id, 14)
  const e = fourDigits(id, 19)
  const f = fourDigits(id, 24)
  const g = fourDigits(id, 28)
  const h = fourDigits(id, 32)
  if ((a | b | c | d | e | f | g | h) >= NOT_HEX) return false
  into[at] = (a << 16) | b
  into[at + 1] = (c << 16) | d
  into[at + 2] = (e << 16) | f
  into[at + 3] = (g << 16) | h
  return true
}

/** The value of four hexadecimal digits; NOT_HEX or more, and less than 2^31, when one is none. */
function fourDigits(id: string, at: number): number {
  const a = id.charCodeAt(at)
  const b = id.charCodeAt(at + 1)
  const c = id.charCodeAt(at + 2)
  const d = id.charCodeAt(at + 3)
  if ((a | b | c | d) > 255) return NOT_HEX
  return ((HEX[a] ?? 0) << 12) | ((HEX[b] ?? 0) << 8) | ((HEX[c] ?? 0) << 4) | (HEX[d] ?? 0)
}
