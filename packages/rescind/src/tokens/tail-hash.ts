/** Of the signature, which is as good as random: with 16 characters there are 96 bits of it. */
const HASHED_CHARACTERS = 16
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * A number of 32 bits for a token, from the end of its signature (FNV-1a). Tokens that share one are told apart by whoever
 * looks them up. To hash all of a token takes ten times as long, and a number is found faster than a text.
 */
export function tailHash(token: string): number {
  let hash = FNV_OFFSET
  for (let at = Math.max(0, token.length - HASHED_CHARACTERS); at < token.length; at += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(at), FNV_PRIME)
  }
  return hash ^ (hash >>> 15)
}
