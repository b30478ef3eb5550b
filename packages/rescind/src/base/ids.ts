import { fillRandom } from '#crypto'
import { hex } from './bytes.ts'

/** The source of randomness: fills the given bytes from a cryptographically secure generator. */
export type RandomSource = (bytes: Uint8Array) => void

/** The operating system's generator. */
export const systemRandom: RandomSource = fillRandom

// Drawing a pool at once costs one system call per 128 ids instead of one each.
const POOL_BYTES = 1280
const RANDOM_BYTES_PER_ID = 10

const MAX_ID_LENGTH = 512
const UNSTORABLE = /[\p{Surrogate}\0]/u

/** What every id (jti, sid, sub) must be, so that each store keeps it as it is: 1 to 512 characters of valid Unicode, none of them NUL. */
export const ID_RULE = `a string of 1 to ${MAX_ID_LENGTH} characters, without NUL and lone surrogates`

/** True for an id that keeps {@link ID_RULE}. */
export function isUsableId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && !UNSTORABLE.test(value)
}

/** Makes UUIDv7 strings (RFC 9562 §5.7): 48 bits of time in milliseconds, then 74 random bits. */
export function createIdSource(random: RandomSource): (nowMs: number) => string {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return (nowMs) => {
    if (used === POOL_BYTES) {
      random(pool)
      used = 0
    }
    const bytes = pool.subarray(used, used + RANDOM_BYTES_PER_ID)
    used += RANDOM_BYTES_PER_ID
    return uuidV7(nowMs, bytes)
  }
}

/** The UUIDv7 of a time in milliseconds and ten bytes of randomness. */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const time = Math.trunc(nowMs).toString(16).padStart(12, '0')
  const digits = hex(random.subarray(0, RANDOM_BYTES_PER_ID))
  const variant = ((Number.parseInt(digits.charAt(3), 16) & 0x3) | 0x8).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-${variant}${digits.slice(4, 7)}-${digits.slice(7, 19)}`
}

const DASH = 0x2d
const SEVEN = 0x37
const UUID_LENGTH = 36
/** The value of each hexadecimal digit in lower case, by character code; -1 for any other character. */
const HEX_VALUES = new Int8Array(128).fill(-1)
for (const digit of '0123456789abcdef') HEX_VALUES[digit.charCodeAt(0)] = Number.parseInt(digit, 16)

/**
 * The time in milliseconds that a UUIDv7 in lower case tells; `NaN` for any other text. By hand, since a regular expression
 * with captures takes four times as long, for every token that is new.
 */
export function uuidV7Time(id: string): number {
  if (id.length !== UUID_LENGTH || id.charCodeAt(14) !== SEVEN) return Number.NaN
  if (id.charCodeAt(8) !== DASH || id.charCodeAt(13) !== DASH) return Number.NaN
  if (id.charCodeAt(18) !== DASH || id.charCodeAt(23) !== DASH) return Number.NaN
  const high = hexValue(id, 0, 8)
  const low = hexValue(id, 9, 13)
  const rest = hexValue(id, 15, 18) | hexValue(id, 19, 23) | hexValue(id, 24, 30) | hexValue(id, 30, 36)
  const isVariant = (hexValue(id, 19, 20) & 0xc) === 0x8
  return high < 0 || low < 0 || rest < 0 || !isVariant ? Number.NaN : high * 0x1_0000 + low
}

/** The number that the hexadecimal digits from `start` to `end` write; negative where one of them is none. */
function hexValue(text: string, start: number, end: number): number {
  let value = 0
  let anyBad = 0
  for (let at = start; at < end; at += 1) {
    const digit = HEX_VALUES[text.charCodeAt(at)] ?? -1
    anyBad |= digit
    value = value * 16 + digit
  }
  return anyBad < 0 ? -1 : value
}
