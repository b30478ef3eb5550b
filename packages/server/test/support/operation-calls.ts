import type { Operation } from '../../src/openapi/operation.ts'
import { operations } from '../../src/openapi/operations.ts'
import type { DocumentedApp } from './documented-app.ts'
import { SERVICE_TOKEN } from './feed-app.ts'
import { bearer, newEmail, PASSWORD } from './start-app.ts'

/** What to send for an operation to succeed. */
export interface OperationCall {
  /** Where it differs from the operation's: with the parameters filled in. */
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: Readonly<Record<string, unknown>>
}

const OTHER_PASSWORD = 'walnut-gravel-7-Parasol'
const service = async () => ({ headers: bearer(SERVICE_TOKEN) })

/** By the id of the operation: each call stands on its own, with an account made for it. */
const calls: Readonly<Record<string, (app: DocumentedApp) => Promise<OperationCall>>> = {
  register: async () => ({ body: { email: newEmail(), password: PASSWORD } }),
  login: async (app) => ({ body: { email: (await app.register()).user.email, password: PASSWORD } }),
  changePassword: async (app) => ({
    ...(await asUser(app)),
    body: { current_password: PASSWORD, new_password: OTHER_PASSWORD },
  }),
  forgotPassword: async (app) => ({ body: { email: (await app.register()).user.email } }),
  resetPassword: async (app) => {
    const { user } = await app.register()
    await app.post('/auth/password/forgot', { email: user.email })
    return { body: { token: await app.secretFor(user.email, 2), new_password: OTHER_PASSWORD } }
  },
  verifyEmail: async (app) => {
    const { user } = await app.register()
    return { body: { token: await app.secretFor(user.email) } }
  },
  changeEmail: async (app) => ({ ...(await asUser(app)), body: { email: newEmail(), password: PASSWORD } }),
  status: asUser,
  refresh: async (app) => ({ body: { refresh_token: (await app.register()).refresh_token } }),
  reauthenticate: async (app) => ({ ...(await asUser(app)), body: { password: PASSWORD } }),
  logout: asUser,
  listSessions: asUser,
  endSession: async (app) => {
    const { access_token, session_id } = await app.register()
    return { path: `/auth/sessions/${session_id}`, headers: bearer(access_token) }
  },
  endSessions: asUser,
  verifyRequest: asUser,
  introspectToken: tokenForm,
  revokeToken: tokenForm,
  jwks: async () => ({}),
  authorizationServer: async () => ({}),
  followRevocations: async () => ({ path: '/revocations?until=current', ...(await service()) }),
  findRevocation: async () => ({ ...(await service()), body: { jti: 'unknown', iat_ms: 1 } }),
  adminListUsers: asOperator,
  adminGetUser: async (app) => ofUser(app, ''),
  adminDisableUser: async (app) => ({ ...(await ofUser(app, '/disable')), body: { reason: 'asked for' } }),
  adminEnableUser: async (app) => ({ ...(await ofUser(app, '/enable')), body: { reason: 'asked for' } }),
  adminListSessions: async (app) => ofUser(app, '/sessions?limit=10'),
  adminEndSessions: async (app) => ofUser(app, '/sessions?reason=lost'),
  adminRevoke: async (app) => ({
    ...(await asOperator(app)),
    body: { kind: 'session', id: (await app.register()).session_id, reason: 'lost', max_sessions: 1 },
  }),
  adminPreviewRevocation: async (app) => ({ ...(await asOperator(app)), body: { kind: 'everything' } }),
  adminListRevocations: asOperator,
  adminListAudit: asOperator,
  adminStats: asOperator,
  adminListKeys: asOperator,
  adminRotateKeys: async (app) => ({ ...(await asOperator(app)), body: { reason: 'yearly' } }),
  adminRetireKey: async (app) => {
    const operator = await asOperator(app)
    const { keys } = (await (await fetch(`${app.url}/admin/keys`, operator)).json()) as { keys: { kid: string }[] }
    return { ...operator, path: `/admin/keys/${keys[0]?.kid}/retire`, body: { reason: 'leaked' } }
  },
  live: async () => ({}),
  ready: async () => ({}),
  metrics: service,
  openapi: async () => ({}),
  docs: async () => ({}),
}

async function asUser(app: DocumentedApp): Promise<OperationCall> {
  return { headers: bearer((await app.register()).access_token) }
}

async function asOperator(app: DocumentedApp) {
  return { headers: { authorization: app.clientAuthorization } }
}

async function ofUser(app: DocumentedApp, rest: string): Promise<OperationCall> {
  return { ...(await asOperator(app)), path: `/admin/users/${(await app.register()).user.id}${rest}` }
}

async function tokenForm(app: DocumentedApp): Promise<OperationCall> {
  return {
    headers: { authorization: app.clientAuthorization },
    body: { token: (await app.register()).access_token },
  }
}

/** A call of the operation that succeeds. */
export function callOf(operation: Operation, app: DocumentedApp): Promise<OperationCall> {
  const call = calls[operation.id]
  if (call === undefined) throw new Error(`no call is known of ${operation.id}: write one`)
  return call(app)
}

/** Sends a call of an operation, in the form that the operation takes bodies in. */
export function send(app: DocumentedApp, operation: Operation, call: OperationCall): Promise<Response> {
  const { path = operation.path, headers = {}, body } = call
  const type = operation.body?.mediaType ?? 'application/json'
  return fetch(app.url + path, {
    method: operation.method.toUpperCase(),
    headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    ...(body === undefined ? {} : { body: type === 'application/json' ? JSON.stringify(body) : formOf(body) }),
    redirect: 'manual',
  })
}

function formOf(body: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(body).map(([name, value]): [string, string] => [name, String(value)])
  return new URLSearchParams(fields).toString()
}

/** The operations that take a body of JSON. */
export const jsonOperations: readonly Operation[] = operations.filter(
  ({ body }) => body !== undefined && (body.mediaType ?? 'application/json') === 'application/json',
)
