const UNSTORABLE = /[\p{Surrogate}\0]/gu

/**
 * Text that every store keeps as it is: without NUL, which PostgreSQL refuses, and without lone surrogates, which no
 * UTF-8 holds; cut off after `maxLength` characters.
 */
export function storableText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(UNSTORABLE, '\uFFFD')
}
