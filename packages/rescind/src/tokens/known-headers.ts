import type { JsonObject } from '../base/types.ts'
import type { Algorithm } from './algorithms.ts'

/** A header as it was written, with the dot after it, and what it says. Whether its key is still one, it cannot say. */
export interface KnownHeader {
  readonly text: string
  readonly header: JsonObject
  readonly alg: Algorithm
  readonly kid: string | undefined
}

/** Remembers the headers that good tokens had lately. */
export interface KnownHeaders {
  find(token: string): KnownHeader | null
  /** To be called only once a signature was good: nothing a stranger writes is kept. */
  add(header: KnownHeader): void
}

/** More than a service has keys at a time; where every token has a header of its own, looking costs as little. */
const CAPACITY = 8

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** All tokens of a key mostly share one header, and to read and check it takes half as long as the HMAC. */
export function createKnownHeaders(): KnownHeaders {
  const known: KnownHeader[] = []
  let next = 0
  const find = (token: string) => {
    for (const header of known) if (token.startsWith(header.text)) return header
    return null
  }
  return {
    find,
    add(header) {
      // Tokens that verify by promises may bring the same one several times.
      if (find(header.text) !== null) return
      // Copied: a part of a token keeps alive the request that it came with.
      known[next] = { ...header, text: decoder.decode(encoder.encode(header.text)) }
      next = (next + 1) % CAPACITY
    },
  }
}
