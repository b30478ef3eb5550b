const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]))

/** Base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let text = ''
  let carried = 0
  let bits = 0
  for (const byte of bytes) {
    carried = ((carried << 8) | byte) & 0xffff
    for (bits += 8; bits >= 6; bits -= 6) text += ALPHABET.charAt((carried >>> (bits - 6)) & 63)
  }
  return bits === 0 ? text : text + ALPHABET.charAt((carried << (6 - bits)) & 63)
}

/** The bytes of a base64url text, or `null` where it is not the one canonical spelling of any. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (text.length % 4 === 1) return null
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let carried = 0
  let bits = 0
  let at = 0
  for (const character of text) {
    const value = VALUES.get(character)
    if (value === undefined) return null
    carried = ((carried << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at] = (carried >>> bits) & 0xff
    at += 1
  }
  // Unused bits that are set make another spelling of the same bytes.
  return (carried & ((1 << bits) - 1)) === 0 ? bytes : null
}
