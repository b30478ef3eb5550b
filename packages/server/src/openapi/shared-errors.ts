import type { RequestErrorCode } from 'rescind/wire'
import { requestErrors } from 'rescind/wire'
import type { AuthKind, Operation } from './operation.ts'

const tokenErrors: readonly RequestErrorCode[] = [
  'token_missing',
  'token_malformed',
  'token_invalid',
  'token_expired',
  'token_revoked',
  'claims_rejected',
  'wrong_token_type',
  'revocation_unavailable',
]

const authErrors: Readonly<Record<AuthKind, readonly RequestErrorCode[]>> = {
  access: tokenErrors,
  fresh: [...tokenErrors, 'fresh_token_required'],
  refresh: tokenErrors,
  service: ['token_missing', 'token_malformed', 'token_invalid', 'revocation_unavailable'],
  client: ['token_missing', 'invalid_credentials', 'forbidden', 'overloaded'],
  admin: [...tokenErrors, 'fresh_token_required', 'invalid_credentials', 'forbidden', 'overloaded', 'invalid_request'],
}

const bodyErrors: readonly RequestErrorCode[] = ['invalid_request', 'payload_too_large', 'unsupported_media_type']

// A body that is not wanted is read all the same, and may be none that can be. A process may be too busy for anything.
const everyonesErrors: readonly RequestErrorCode[] = ['internal_error', 'overloaded']

/** What rests on the limits alone: whether requests like this one are counted. */
export type IsLimited = (method: string, path: string) => boolean

/** Every code an operation can answer with, by status. */
export function errorsByStatus(operation: Operation, isLimited: IsLimited): ReadonlyMap<number, RequestErrorCode[]> {
  const changesSomething = operation.method !== 'get'
  const codes = new Set<RequestErrorCode>([
    ...operation.errors,
    ...operation.auth.flatMap((kind) => authErrors[kind]),
    ...(operation.body !== undefined || changesSomething ? bodyErrors : []),
    ...(operation.parameters === undefined ? [] : (['invalid_request'] as const)),
    ...(changesSomething ? (['csrf_failed'] as const) : []),
    ...(isLimited(operation.method, operation.path) ? (['rate_limited'] as const) : []),
    ...everyonesErrors,
  ])
  const byStatus = new Map<number, RequestErrorCode[]>()
  for (const code of codes) {
    const { status } = requestErrors[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b))
}
