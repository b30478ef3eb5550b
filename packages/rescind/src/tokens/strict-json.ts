import type { JsonObject, JsonValue } from '../base/types.ts'

/** Deeper nesting than this has no place in a token. */
const MAX_DEPTH = 16

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a JSON object as RFC 7515 §4 asks: valid UTF-8 with no byte order mark, an object at the top, and no member
 * twice at any depth. A member called `__proto__` is refused, so that no later copy can change a prototype.
 *
 * @returns the object, or `null` for anything else
 */
export function parseStrictObject(bytes: Uint8Array): JsonObject | null {
  try {
    const text = decoder.decode(bytes)
    const value = JSON.parse(text) as JsonValue
    if (!isJsonObject(value)) return null
    return countMembers(value, MAX_DEPTH) === writtenMembers(text) ? value : null
  } catch {
    return null
  }
}

/** True for an object that is neither `null` nor an array. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The members that parsing kept. Throws for `__proto__` and for too deep nesting. */
function countMembers(value: JsonValue, depthLeft: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depthLeft === 0) throw new RangeError('nested too deep')
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item, depthLeft - 1)
    return count
  }
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') throw new SyntaxError('a member called __proto__')
    count += 1 + countMembers(member, depthLeft - 1)
  }
  return count
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** The members that were written: in valid JSON, the colons outside of strings. More than were kept: some came twice. */
function writtenMembers(text: string): number {
  let count = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) inString = !inString
    else if (inString) at += char === BACKSLASH ? 1 : 0
    else if (char === COLON) count += 1
  }
  return count
}

/** Freezes a parsed value at every depth: it is shared by all requests that carry the same token. */
export function freezeDeep<T extends JsonValue>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) freezeDeep(member as JsonValue)
  return Object.freeze(value)
}
