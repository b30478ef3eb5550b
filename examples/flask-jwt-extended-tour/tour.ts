import { createHmac } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type ExampleReply, startExample } from '../support/process.ts'

const SECRET = 'super-secret-super-secret-super-secret'

/** A start may have to wait for the library to be built. */
export const STARTING_MS = 90_000

/** What a test sends; `body` is sent as it is, with its content type. */
export interface TourRequest {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
}

/** The running tour. */
export interface Tour {
  send(
    to: string,
    request?: TourRequest,
  ): Promise<ExampleReply & { cookies: Record<string, string>; setCookies: string[] }>
  /** Status and body alone. */
  ask(to: string, request?: TourRequest): Promise<ExampleReply>
  mint(order: object): Promise<string>
  logIn(username?: string): Promise<{ access: string; refresh: string }>
  stop(): Promise<unknown>
}

/** Starts the example with the original's options and the loaders that are named. */
export async function startTour(config: object = {}, loaders = ''): Promise<Tour> {
  const app = await startExample('flask-jwt-extended-tour', { JWT_CONFIG: JSON.stringify(config), LOADERS: loaders })

  const send: Tour['send'] = async (to, { token, headers = {}, cookies = {}, json, form } = {}) => {
    const [method = '', path = ''] = to.split(' ')
    const cookie = Object.entries(cookies).map((pair) => pair.join('='))
    const response = await fetch(app.url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(cookie.length === 0 ? {} : { cookie: cookie.join('; ') }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    })
    const setCookies = response.headers.getSetCookie()
    const pairs = setCookies.map((value) => /^([^=]+)=([^;]*)/.exec(value)).map((match) => [match?.[1], match?.[2]])
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      setCookies,
      cookies: Object.fromEntries(pairs) as Record<string, string>,
    }
  }
  const ask: Tour['ask'] = async (to, request) => {
    const { status, body } = await send(to, request)
    return { status, body }
  }
  return {
    send,
    ask,
    mint: async (order) => String((await ask('POST /mint', { json: order })).body.token),
    async logIn(username = 'user') {
      const { body } = await ask('POST /login', { json: { username, password: '123456' } })
      return { access: String(body.access_token), refresh: String(body.refresh_token) }
    },
    stop: app.stop,
  }
}

/** A tour for one test. */
export async function openTour(config: object = {}, loaders = ''): Promise<Tour> {
  const tour = await startTour(config, loaders)
  onTestFinished(async () => {
    await tour.stop()
  })
  return tour
}

/** A token of any header and payload, signed with the tour's secret. */
export function forge(header: unknown, payload: unknown): string {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

/** A refusal in the original's words. */
export function msg(status: number, text: string): ExampleReply {
  return { status, body: { msg: text } }
}
