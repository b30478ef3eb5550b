// A text begins with a byte: whether it is wide, below its length. A length that does not fit follows in four bytes.
const WIDE = 1
const LONG = 127
const LONG_BYTES = 4
const LATIN_1_END = 256
const GROWTH = 1.5

/**
 * Texts one after the other, in memory outside the heap: one byte for a character, or two if one of them is not of
 * Latin-1. A text is known by the place where it begins.
 */
export class IdTexts {
  /** The bytes in use. */
  used = 0
  #bytes = new Uint8Array()

  /** The bytes taken. */
  get bytes(): number {
    return this.#bytes.length
  }

  /** Adds a text; answers where it begins. */
  add(text: string): number {
    const wide = isWide(text) ? WIDE : 0
    const isLong = text.length >= LONG
    const at = this.#take(1 + (isLong ? LONG_BYTES : 0) + (text.length << wide))
    const bytes = this.#bytes
    bytes[at] = ((isLong ? LONG : text.length) << 1) | wide
    if (isLong) for (let n = 0; n < LONG_BYTES; n += 1) bytes[at + 1 + n] = text.length >>> (8 * n)
    const start = this.#startOf(at)
    for (let n = 0; n < text.length; n += 1) {
      const unit = text.charCodeAt(n)
      bytes[start + (n << wide)] = unit
      if (wide) bytes[start + 2 * n + 1] = unit >>> 8
    }
    return at
  }

  /** Adds the text that begins at `at` among others; answers where it begins here. */
  addFrom(others: IdTexts, at: number): number {
    const end = others.#endOf(at)
    const to = this.#take(end - at)
    this.#bytes.set(others.#bytes.subarray(at, end), to)
    return to
  }

  /** The text that begins at `at`. */
  read(at: number): string {
    const start = this.#startOf(at)
    const wide = this.#isWide(at)
    const length = this.#lengthOf(at)
    let text = ''
    for (let n = 0; n < length; n += 1) text += String.fromCharCode(this.#unit(start, n, wide))
    return text
  }

  /** True if the text that begins at `at` is this one. Allocates nothing. */
  equals(at: number, text: string): boolean {
    if (this.#lengthOf(at) !== text.length) return false
    const start = this.#startOf(at)
    const wide = this.#isWide(at)
    for (let n = 0; n < text.length; n += 1) if (this.#unit(start, n, wide) !== text.charCodeAt(n)) return false
    return true
  }

  /** The bytes that the text which begins at `at` takes. */
  sizeOf(at: number): number {
    return this.#endOf(at) - at
  }

  /** The character at `n` of the text whose characters begin at `start`. */
  #unit(start: number, n: number, wide: boolean): number {
    const bytes = this.#bytes
    return wide ? (bytes[start + 2 * n] ?? 0) | ((bytes[start + 2 * n + 1] ?? 0) << 8) : (bytes[start + n] ?? 0)
  }

  #isWide(at: number): boolean {
    return ((this.#bytes[at] ?? 0) & WIDE) !== 0
  }

  #lengthOf(at: number): number {
    const length = (this.#bytes[at] ?? 0) >>> 1
    return length === LONG ? this.#longLengthOf(at) : length
  }

  #longLengthOf(at: number): number {
    let length = 0
    for (let n = LONG_BYTES; n > 0; n -= 1) length = length * 256 + (this.#bytes[at + n] ?? 0)
    return length
  }

  #startOf(at: number): number {
    return (this.#bytes[at] ?? 0) >>> 1 === LONG ? at + 1 + LONG_BYTES : at + 1
  }

  #endOf(at: number): number {
    return this.#startOf(at) + (this.#isWide(at) ? 2 : 1) * this.#lengthOf(at)
  }

  #take(size: number): number {
    const at = this.used
    this.used += size
    if (this.used > this.#bytes.length) {
      const grown = new Uint8Array(Math.ceil(this.used * GROWTH))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    return at
  }
}

function isWide(text: string): boolean {
  for (let n = 0; n < text.length; n += 1) if (text.charCodeAt(n) >= LATIN_1_END) return true
  return false
}
