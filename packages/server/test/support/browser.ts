import { PASSWORD, type RunningApp } from './start-app.ts'

/** How one request is made. */
export interface BrowserRequest {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** Sends the CSRF token of the access cookie, or of the refresh cookie, or this text. @default 'access' */
  readonly csrf?: 'access' | 'refresh' | { readonly text: string } | null
}

/** What a page of the service does: it keeps cookies as a browser does, with their names and nothing else. */
export interface Browser {
  readonly jar: Map<string, string>
  /** The `Set-Cookie` lines of the last answer. */
  readonly lastSet: readonly string[]
  send(method: string, path: string, request?: BrowserRequest): Promise<Response>
  /** Logs in, in cookie mode. */
  logIn(email: string): Promise<Response>
}

const CSRF_COOKIES = { access: /csrf_token$/, refresh: /csrf_refresh_token$/ }

/** A browser without any cookies yet. */
export function createBrowser(app: RunningApp): Browser {
  const jar = new Map<string, string>()
  let lastSet: readonly string[] = []
  const valueLike = (pattern: RegExp) => [...jar].find(([name]) => pattern.test(name))?.[1]
  const send: Browser['send'] = async (method, path, { body, headers = {}, csrf = 'access' } = {}) => {
    const token = csrf === null ? undefined : typeof csrf === 'object' ? csrf.text : valueLike(CSRF_COOKIES[csrf])
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(`${app.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(cookies === '' ? {} : { cookie: cookies }),
        ...(token === undefined ? {} : { 'x-csrf-token': token }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    lastSet = answer.headers.getSetCookie()
    for (const line of lastSet) keep(jar, line)
    return answer
  }
  return {
    jar,
    get lastSet() {
      return lastSet
    },
    send,
    logIn: (email) =>
      send('POST', '/auth/login', { body: { email, password: PASSWORD }, headers: { 'token-delivery': 'cookie' } }),
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const name = pair.slice(0, pair.indexOf('='))
  if (attributes.includes('Max-Age=0')) jar.delete(name)
  else jar.set(name, pair.slice(name.length + 1))
}
