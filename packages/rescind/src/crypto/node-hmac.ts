import { createHash, createHmac, hash as hashOnce } from 'node:crypto'

/** Inputs up to this many characters take the short way: a token that is longer is refused anyway. */
const MAX_SHORT_INPUT = 8192
const MAX_BLOCK_BYTES = 128

// Shared by all keys, since no call is interrupted. A character has three bytes of UTF-8 at the most.
const inner = Buffer.allocUnsafeSlow(MAX_BLOCK_BYTES + 3 * MAX_SHORT_INPUT)

/**
 * HMAC (RFC 2104) as base64url text, by two hashes of one call each. Node's own object takes 1.8 µs for the 300 bytes of a
 * token, most of it to be made and to hand over bytes; this takes 1.1 µs.
 *
 * @param hash sha256, sha384 or sha512
 */
export function createHmacText(secret: Uint8Array, hash: string): (input: string) => string {
  const blockBytes = hash === 'sha256' ? 64 : 128
  const block = Buffer.alloc(blockBytes)
  block.set(secret.length > blockBytes ? createHash(hash).update(secret).digest() : secret)
  const innerPad = block.map((byte) => byte ^ 0x36)
  const digestBytes = createHash(hash).digest().length
  const outer = Buffer.concat([block.map((byte) => byte ^ 0x5c), Buffer.alloc(digestBytes)])
  return (input) => {
    if (input.length > MAX_SHORT_INPUT) return createHmac(hash, secret).update(input).digest('base64url')
    inner.set(innerPad)
    const innerLength = blockBytes + inner.write(input, blockBytes)
    // As text, one character a byte: to make a Buffer of the digest takes as long as the hash itself.
    const digest = hashOnce(hash, inner.subarray(0, innerLength), 'binary')
    outer.write(digest, blockBytes, 'binary')
    return hashOnce(hash, outer, 'base64url')
  }
}
