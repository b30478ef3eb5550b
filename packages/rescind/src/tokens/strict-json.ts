import type { JsonObject, JsonValue } from '../base/types.ts'

/** Deeper nesting than this has no place in a token. */
const MAX_DEPTH = 16

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a JSON object as RFC 7515 §4 asks: valid UTF-8 with no byte order mark, an object at the top, and no member
 * twice at any depth. A member called `__proto__` is refused, so that no later copy can change a prototype.
 *
 * @returns the object, frozen at every depth since it is shared by all requests that carry the same token; `null` for
 * anything else
 */
export function parseStrictObject(bytes: Uint8Array): JsonObject | null {
  try {
    const text = decoder.decode(bytes)
    const value = JSON.parse(text) as JsonValue
    if (!isJsonObject(value)) return null
    const kept = freezeAndCount(value, MAX_DEPTH)
    return countColons(text) === kept || countWritten(bytes) === kept ? value : null
  } catch {
    return null
  }
}

/** True for an object that is neither `null` nor an array. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Freezes, and counts the members that parsing kept. Throws for `__proto__` and for too deep nesting. */
function freezeAndCount(value: JsonObject | readonly JsonValue[], depthLeft: number): number {
  if (depthLeft === 0) throw new RangeError('nested too deep')
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (isNested(item)) count += freezeAndCount(item, depthLeft - 1)
  } else {
    const names = Object.keys(value)
    count = names.length
    for (const name of names) {
      if (name === '__proto__') throw new SyntaxError('a member called __proto__')
      const member = (value as JsonObject)[name]
      if (isNested(member)) count += freezeAndCount(member, depthLeft - 1)
    }
  }
  Object.freeze(value)
  return count
}

function isNested(value: JsonValue | undefined): value is JsonObject | JsonValue[] {
  return typeof value === 'object' && value !== null
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** No fewer than the members that were written. Counted first: most tokens have no other, and it takes a fifth. */
function countColons(json: string): number {
  let count = 0
  for (let at = json.indexOf(':'); at !== -1; at = json.indexOf(':', at + 1)) count += 1
  return count
}

/** The members that were written: in valid JSON, the colons outside of strings. More than were kept: some came twice. */
function countWritten(json: Uint8Array): number {
  let count = 0
  let inString = false
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === QUOTE) inString = !inString
    else if (inString) at += byte === BACKSLASH ? 1 : 0
    else if (byte === COLON) count += 1
  }
  return count
}
