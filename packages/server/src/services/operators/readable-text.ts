// What could begin another line, paint a terminal, or turn the order of what stands beside it around, wherever the audit
// log is read.
const UNREADABLE = /[\p{Cc}\p{Surrogate}\p{Bidi_Control}\u2028\u2029]/u
const ALL_UNREADABLE = new RegExp(UNREADABLE, 'gu')

/** True for text that shows what it is wherever it is read: no control characters, no ends of lines, no lone surrogates. */
export function isReadable(text: string): boolean {
  return !UNREADABLE.test(text)
}

/** The text, with a mark in the place of each character that {@link isReadable} refuses. */
export function madeReadable(text: string): string {
  return text.replace(ALL_UNREADABLE, '\uFFFD')
}
