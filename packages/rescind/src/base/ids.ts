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

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The time in milliseconds that a UUIDv7 in lower case tells; `NaN` for any other text. */
export function uuidV7Time(id: string): number {
  const [, high = '', low = ''] = UUID_V7.exec(id) ?? []
  return Number.parseInt(high + low, 16)
}
