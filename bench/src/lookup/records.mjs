import { createRevocationSet } from '../../../packages/rescind/dist/revocation/revocation-set.js'

export const FEW = 1_000
const LIFE_MS = 900_000
const NOW = Date.now()
/** When records of {@link expiredRecordFor} may go. */
export const AFTER_EXPIRY = NOW + 2_000

/** What a check asks for, of so many tokens; with a session and a subject that nobody has revoked. */
export function tokensOf(count, jtiFor) {
  return Array.from({ length: count }, (_, n) => ({
    jti: jtiFor(n),
    sid: uuidFor(n, 1),
    sub: uuidFor(n, 2),
    iatMs: NOW,
  }))
}

/** The set of the records of the tokens 0 to `records - 1`. */
export function filled(records) {
  const set = createRevocationSet()
  for (let n = 0; n < records; n += 1) set.add(recordFor(n))
  // Sessions and subjects too, so that all three ids have to be looked up.
  for (let n = 0; n < FEW; n += 1) {
    set.add({ kind: 'session', id: uuidFor(n, 3), at: NOW, expiresAt: NOW + LIFE_MS })
    set.add({ kind: 'subject', id: uuidFor(n, 3), before: NOW, at: NOW, expiresAt: NOW + LIFE_MS })
  }
  return set
}

export function recordFor(n) {
  return { kind: 'token', id: uuidFor(n), at: NOW, expiresAt: NOW + LIFE_MS }
}

export function expiredRecordFor(n) {
  return { ...recordFor(n), expiresAt: NOW }
}

export function inWords(count) {
  return count >= 1e6 ? `${count / 1e6} M` : count.toLocaleString('en-US')
}

const text = Buffer.alloc(36, '-')
const placeOfByte = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const [high, low] = [0, 1].map((at) => Uint8Array.from(digits, (pair) => pair.charCodeAt(at)))

/** The UUID of a number: always the same, random to look at, and a new string each time. */
export function uuidFor(n, salt = 0) {
  for (let word = 0; word < 4; word += 1) {
    const bits = scramble(scramble(n + Math.imul(word + 4 * salt, 0x9e3779b1)) ^ (word === 0 ? 0 : n))
    for (let byte = 0; byte < 4; byte += 1) {
      const place = placeOfByte[4 * word + byte]
      const value = (bits >>> (8 * byte)) & 255
      text[place] = high[value]
      text[place + 1] = low[value]
    }
  }
  return text.latin1Slice(0, 36)
}

function scramble(bits) {
  const once = Math.imul(bits ^ (bits >>> 16), 0x7feb352d)
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b)
  return twice ^ (twice >>> 16)
}
