/** True for a URL that names a PostgreSQL database. */
export function isPostgresUrl(text: string): boolean {
  const url = parse(text)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) return false
  // A folder with a socket may stand in for a host: postgres:///name?host=/run/postgresql
  return url.hostname !== '' || url.searchParams.has('host')
}

/** True for a URL that names a Redis server, and the number of a database on it or none. */
export function isRedisUrl(text: string): boolean {
  const url = parse(text)
  return url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^(\/\d{0,4})?$/.test(url.pathname)
}

/** True for a URL that names a mail server. */
export function isSmtpUrl(text: string): boolean {
  const url = parse(text)
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return false
  return /^\/?$/.test(url.pathname) && url.search === '' && (url.username === '') === (url.password === '')
}

/** Where a URL leads, without the user and the password. */
export function placeOf(text: string): string {
  const { hostname, port, searchParams } = new URL(text)
  const host = hostname === '' ? (searchParams.get('host') ?? '') : hostname
  return port === '' ? host : `${host}:${port}`
}

// A shorter one is found inside of words that have nothing to do with it.
const SHORTEST_TOLD_APART = 4

/**
 * The message with whatever is secret in the URL left out. A password that is shorter than words are is left out where
 * it stands in a URL or between quotes, and such a user is no secret: the rest of the message is to be understood.
 */
export function withoutSecrets(message: string, text: string): string {
  const { username, password, searchParams } = new URL(text)
  const both = (part: string) => [part, decodeURIComponent(part)]
  const passwords = [...both(password), ...searchParams.getAll('password')].filter((secret) => secret !== '')
  const quoted = passwords.flatMap((secret) => [`:${secret}@`, `password=${secret}`, `"${secret}"`, `'${secret}'`])
  const words = [...passwords, ...both(username), ...searchParams.values()]
  const secrets = [text, ...words.filter(({ length }) => length >= SHORTEST_TOLD_APART), ...quoted]
  // The longest first: of two that overlap, what is left of the longer one would give the rest away.
  const longestFirst = secrets.sort((one, other) => other.length - one.length)
  return longestFirst.reduce((safe, secret) => safe.replaceAll(secret, '***'), message)
}

function parse(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  // A password with an @, / or # that was not escaped ends up in other parts of the URL, where it would be shown.
  if (url.hash !== '' || /@/.test(url.pathname + url.search)) return null
  return [url.username, url.password, url.pathname].every(isDecodable) ? url : null
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}
