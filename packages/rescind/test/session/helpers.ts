import {
  createKeyRing,
  createRescind,
  generateKey,
  type JsonObject,
  type RequestView,
  type Rescind,
  type RescindOptions,
} from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, type FakeClock } from 'rescind/testing'
import { onTestFinished } from 'vitest'

export const keys = createKeyRing({ active: generateKey('EdDSA') })

/** A ready library over the memory store and a fake clock, closed after the test. */
export async function openRescind<User = unknown, Claims extends object = JsonObject, Identity = string>(
  options: Partial<Omit<RescindOptions<User, Claims, Identity>, 'clock'>> = {},
): Promise<{ auth: Rescind<User, Claims, Identity>; clock: FakeClock }> {
  const clock = createFakeClock()
  const auth = createRescind({ store: memoryStore(), keys, ...options, clock })
  onTestFinished(() => auth.close())
  await auth.ready()
  return { auth, clock }
}

/** A request that carries this token in its `Authorization` header. */
export function requestWith(token: string): RequestView {
  return { method: 'GET', url: '/', header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined) }
}

/** `ok`, or the code that refuses this token. */
export async function verdict(
  auth: Pick<Rescind<unknown, object>, 'check'>,
  token: string,
  type: 'access' | 'refresh' = 'access',
): Promise<string> {
  const decision = await auth.check(requestWith(token), { type })
  return decision.ok ? 'ok' : decision.error.code
}

/** The code a promise rejects with, or `ok`. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

/** The header of a token, unchecked. */
export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}

/** The payload of a token, unchecked. */
export function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}
