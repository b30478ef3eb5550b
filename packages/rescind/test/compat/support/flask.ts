import { createHmac } from 'node:crypto'
import type { JsonObject, RequestView } from 'rescind'
import {
  createFlaskJwt,
  type FlaskCheckOptions,
  type FlaskJwt,
  type FlaskJwtOptions,
  type FlaskOptions,
  fromFlaskConfig,
} from 'rescind/compat/flask-jwt-extended'
import { createFakeClock } from 'rescind/testing'
import { onTestFinished } from 'vitest'

export const SECRET = 'super-secret-super-secret-super-secret'

export const HS256 = { alg: 'HS256', typ: 'JWT' }

/** A token of any header and payload, signed with the secret. */
export function forge(header: unknown, payload: unknown, secret = SECRET): string {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** A library as the original, over a fake clock; closed after the test. */
export async function openFlask<User = unknown, Subject = string>(
  options: FlaskOptions = {},
  rest: Omit<FlaskJwtOptions<User, Subject>, 'clock'> = {},
) {
  const clock = createFakeClock()
  const config = fromFlaskConfig({ JWT_SECRET_KEY: SECRET, ...options })
  const jwt = createFlaskJwt<User, Subject>(config, { ...rest, clock })
  onTestFinished(() => jwt.close())
  await jwt.ready()
  return { jwt, clock }
}

/** What a test says of a request; the rest is a plain GET. */
export interface TestRequest {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: unknown
}

/** A request as an adapter shows it. */
export function view({ method = 'GET', url = '/', headers = {}, body }: TestRequest): RequestView {
  return { method, url, header: (name) => headers[name], body: () => body }
}

/** A request with the token where the original looks for it first. */
export function bearer(token: string): TestRequest {
  return { headers: { authorization: `Bearer ${token}` } }
}

/** What a client is answered: the principal, or status and body of the refusal. */
export async function ask<User, Subject>(
  jwt: FlaskJwt<User, Subject>,
  request: TestRequest,
  options?: FlaskCheckOptions,
): Promise<{ principal: unknown } | { status: number; body: object }> {
  const decision = await jwt.check(view(request), options)
  if (decision.ok) return { principal: decision.principal }
  const { status, body } = await jwt.answer(decision.error, view(request))
  return { status, body }
}

/** The refusal in the original's words. */
export function msg(status: number, text: string): { status: number; body: JsonObject } {
  return { status, body: { msg: text } }
}

/** The payload of a token, unchecked. */
export function payloadOf(token: string): JsonObject {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as JsonObject
}
