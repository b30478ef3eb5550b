const SPACE = 0x20
const TAB = 0x09

/**
 * Takes spaces and tabs off both ends, and nothing else: `String.trim` takes Unicode's white space as well, by which
 * a cookie with a look-alike name passes for a `__Host-` cookie. A pattern would be slow on long runs of blanks.
 */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
