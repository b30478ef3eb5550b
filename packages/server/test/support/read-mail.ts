/** A mail as its reader sees it. */
export interface ReadMail {
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
  readonly html: string
}

interface Part {
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Reads a message of two alternatives, as RFC 5322 and RFC 2046 have it. Throws for anything else. */
export function readMail(source: string): ReadMail {
  const { headers, body } = split(source.replaceAll('\r\n', '\n'))
  const boundary = /^multipart\/alternative;\s*boundary="([^"]+)"$/.exec(headers.get('content-type') ?? '')?.[1]
  if (boundary === undefined) throw new Error('the mail is not of two alternatives')
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\n/, '')))
  return { headers, text: contentOf(parts, 'text/plain'), html: contentOf(parts, 'text/html') }
}

/** The secret in the link of a mail. */
export function secretIn({ text }: ReadMail): string {
  const secret = /#token=([\w-]{43})$/m.exec(text)?.[1]
  if (secret === undefined) throw new Error('there is no link in the mail')
  return secret
}

function split(source: string): Part {
  const end = source.indexOf('\n\n')
  const headers = new Map<string, string>()
  for (const line of source
    .slice(0, end)
    .replaceAll(/\n[ \t]+/g, ' ')
    .split('\n')) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    if (headers.has(name)) throw new Error(`the header ${name} comes twice`)
    headers.set(name, line.slice(line.indexOf(':') + 1).trim())
  }
  return { headers, body: source.slice(end + 2) }
}

function contentOf(parts: readonly Part[], type: string): string {
  const part = parts.find(({ headers }) => headers.get('content-type')?.startsWith(type) === true)
  if (part === undefined) throw new Error(`the mail has no ${type}`)
  const encoding = part.headers.get('content-transfer-encoding')
  if (encoding === 'base64') return Buffer.from(part.body, 'base64').toString()
  if (encoding !== 'quoted-printable') return part.body
  const bytes = part.body
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
