// PostgreSQL's text holds every character but U+0000, and its JSON no half of a surrogate pair. Ids must come back as
// they were, so U+0000 is written as two characters, and so is the one that marks it.
const MARK = '\u0001'
const ESCAPED_NUL = `${MARK}0`
const ESCAPED_MARK = `${MARK}1`
const LONE_SURROGATE = /\p{Surrogate}/u

/** The text as PostgreSQL can hold it. */
export function storable(text: string): string {
  // Ids have no lone surrogates; what people type may, and must not make the whole batch fail.
  const wellFormed = LONE_SURROGATE.test(text) ? Buffer.from(text).toString() : text
  if (!wellFormed.includes('\0') && !wellFormed.includes(MARK)) return wellFormed
  return wellFormed.replaceAll(MARK, ESCAPED_MARK).replaceAll('\0', ESCAPED_NUL)
}

/** The text as it was before {@link storable}. */
export function restored(text: string): string {
  return text.includes(MARK) ? text.replaceAll(ESCAPED_NUL, '\0').replaceAll(ESCAPED_MARK, MARK) : text
}

/** {@link storable} for what may be absent. */
export function storableOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : storable(text)
}
