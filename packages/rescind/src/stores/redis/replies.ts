/** A reply's text. A client may be set up to hand out buffers; the scripts answer times as text and counts as numbers. */
export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply
  if (typeof reply === 'number' || Buffer.isBuffer(reply)) return reply.toString()
  throw new Error('Redis answered something else than the store asked for')
}

/** A reply's number. */
export function numberOf(reply: unknown): number {
  return Number(textOf(reply))
}

/** A reply's parts. */
export function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('Redis answered something else than the store asked for')
  return reply
}

/** Writes what may be absent so that it is told from an empty text. */
export function marked(value: string | null | undefined): string {
  return value === null || value === undefined ? '' : `:${value}`
}

/** Reads what {@link marked} wrote. */
export function unmarked(reply: unknown): string | null {
  return reply === null || reply === undefined ? null : textOf(reply).slice(1)
}
