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

/** Where a URL leads, without the user and the password. */
export function placeOf(text: string): string {
  const { hostname, port, searchParams } = new URL(text)
  const host = hostname === '' ? (searchParams.get('host') ?? '') : hostname
  return port === '' ? host : `${host}:${port}`
}

/** The message with whatever is secret in the URL left out. */
export function withoutSecrets(message: string, text: string): string {
  const { username, password, searchParams } = new URL(text)
  const encoded = [password, username]
  const secrets = [text, ...encoded, ...encoded.map(decodeURIComponent), ...searchParams.values()]
  return secrets.reduce((safe, secret) => (secret === '' ? safe : safe.replaceAll(secret, '***')), message)
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
