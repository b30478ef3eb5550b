/** True for an origin as browsers send it: nothing but scheme, host and port, in their one spelling. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, host, origin } = new URL(text)
  // Schemes of apps and extensions have no origin in the eyes of `URL`.
  return host !== '' && !host.includes('*') && text === (origin === 'null' ? `${protocol}//${host}` : origin)
}
