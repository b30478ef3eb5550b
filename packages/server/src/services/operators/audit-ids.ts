import { type Clock, type RandomSource, systemRandom } from 'rescind'

/**
 * Makes UUIDv7 strings (RFC 9562 §5.7), each greater than the one before: of two in one millisecond, the later one is
 * dated a millisecond ahead (§6.2 allows it).
 */
export function createAuditIds(clock: Clock, random: RandomSource = systemRandom): () => string {
  let lastMs = 0
  return () => {
    lastMs = Math.max(Math.trunc(clock.now()), lastMs + 1)
    const bytes = new Uint8Array(16)
    random(bytes)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, Math.floor(lastMs / 2 ** 32))
    view.setUint32(2, lastMs % 2 ** 32)
    view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
    view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
    return Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
}
