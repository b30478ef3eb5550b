import { type Login, logIn, type Patient, refresh } from './login.ts'
import { type Node, NotCarriedOut, refusalIn } from './node.ts'

/** A token that is to die. */
export interface CapturedToken {
  readonly kind: 'access' | 'refresh'
  readonly token: string
}

/** A revocation that is about to be made. */
export interface PreparedWay {
  /** Those that it kills. */
  readonly captured: readonly CapturedToken[]
  /** Resolves once the node has acknowledged it. Rejects with NotCarriedOut. */
  revoke(): Promise<void>
  /** Leaves nothing behind that lives on. */
  tidy?(): Promise<void>
}

/** One way to kill tokens. */
export interface Way {
  /** `logout with the access token` */
  readonly name: string
  prepare(): Promise<PreparedWay>
}

/** Where the doctor logs in and revokes, and as whom. */
export interface Ward {
  readonly node: Node
  readonly patient: Patient
  /** What a client shows, if there is one. */
  readonly client: Readonly<Record<string, string>> | null
}

/** The ways that every user has. `isOwn`: the account is the doctor's own, and its password may be changed. */
export function userWays(ward: Ward, { isOwn }: { isOwn: boolean }): readonly Way[] {
  const { node, patient, client } = ward
  const headers = client ?? {}
  const logout = (token: string) => acknowledged(node, ['POST', '/auth/logout', { token }])
  const way = killing(ward)
  return [
    way('logout with the access token', ({ accessToken }) => logout(accessToken)),
    way('logout with the refresh token', ({ refreshToken }) => logout(refreshToken)),
    { name: 'reuse of a refresh token', prepare: () => prepareReuse(ward) },
    way('end of one own session', ({ sessionId, accessToken }) =>
      acknowledged(node, ['DELETE', `/auth/sessions/${sessionId}`, { token: accessToken }]),
    ),
    accessOnly(ward, 'OAuth revocation of the access token', (token) =>
      acknowledged(node, ['POST', '/oauth/revoke', { form: { token }, headers }]),
    ),
    way('OAuth revocation of the refresh token', ({ refreshToken }) =>
      acknowledged(node, ['POST', '/oauth/revoke', { form: { token: refreshToken }, headers }]),
    ),
    ...(isOwn ? [{ name: 'change of the password', prepare: () => preparePasswordChange(ward) }] : []),
    {
      name: 'end of all own sessions',
      async prepare() {
        const [one, other] = [await logIn(node, patient), await logIn(node, patient)]
        return {
          captured: [...bothOf(one), ...bothOf(other)],
          revoke: () => acknowledged(node, ['DELETE', '/auth/sessions', { token: one.accessToken }]),
        }
      },
    },
  ]
}

/** The ways that operators have. `isOwn`: the account is the doctor's own, and may be disabled. */
export function operatorWays(ward: Ward & { userId: string }, { isOwn }: { isOwn: boolean }): readonly Way[] {
  const { node, client, userId } = ward
  const headers = client ?? {}
  const revocation = (body: Readonly<Record<string, string>>) =>
    acknowledged(node, ['POST', '/admin/revocations', { body: { ...body, reason: REASON }, headers }])
  const way = killing(ward)
  const path = `/admin/users/${encodeURIComponent(userId)}`
  return [
    accessOnly(ward, "an operator's revocation of the access token", (token) =>
      revocation({ kind: 'token', id: idOf(token) }),
    ),
    way("an operator's revocation of the session", ({ sessionId }) => revocation({ kind: 'session', id: sessionId })),
    way("an operator's revocation of the user", () => revocation({ kind: 'subject', id: userId })),
    way("an operator's end of the user's sessions", () =>
      acknowledged(node, ['DELETE', `${path}/sessions`, { headers }]),
    ),
    ...(isOwn
      ? [
          way("an operator's disabling of the user", () =>
            acknowledged(node, ['POST', `${path}/disable`, { body: { reason: REASON }, headers }]),
          ),
        ]
      : []),
  ]
}

const REASON = 'rescind doctor'

/** Makes ways that kill both tokens of one login. */
function killing({ node, patient }: Ward) {
  return (name: string, kill: (login: Login) => Promise<void>): Way => ({
    name,
    async prepare() {
      const login = await logIn(node, patient)
      return { captured: bothOf(login), revoke: () => kill(login) }
    },
  })
}

/** A way that kills the access token alone. What is left of the login is ended afterwards. */
function accessOnly({ node, patient }: Ward, name: string, kill: (token: string) => Promise<void>): Way {
  return {
    name,
    async prepare() {
      const { accessToken, refreshToken } = await logIn(node, patient)
      return {
        captured: [{ kind: 'access', token: accessToken }],
        revoke: () => kill(accessToken),
        tidy: () => acknowledged(node, ['POST', '/auth/logout', { token: refreshToken }]),
      }
    },
  }
}

/** The id that a token of the service's own has. */
function idOf(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return String((claims as { jti?: unknown }).jti)
}

/** Both tokens of a login. */
function bothOf({ accessToken, refreshToken }: Login): readonly CapturedToken[] {
  return [
    { kind: 'access', token: accessToken },
    { kind: 'refresh', token: refreshToken },
  ]
}

/** Two exchanges on, the first refresh token is beyond the grace of a lost answer: its return is a theft. */
async function prepareReuse({ node, patient }: Ward): Promise<PreparedWay> {
  const first = await logIn(node, patient)
  const last = await refresh(node, await refresh(node, first))
  return {
    captured: [...bothOf(first), ...bothOf(last)],
    async revoke() {
      const answer = await node.ask('POST', '/auth/refresh', { body: { refresh_token: first.refreshToken } })
      // A node that exchanges it once more has noticed nothing: the replays tell so.
      if (answer.status === 401 || answer.status < 300) return
      throw new NotCarriedOut(`${node.url} answered the reuse of a refresh token with ${refusalIn(answer)}`)
    },
  }
}

async function preparePasswordChange({ node, patient }: Ward): Promise<PreparedWay> {
  const login = await logIn(node, patient)
  const { password } = patient
  const next = `${password}-2`
  return {
    captured: bothOf(login),
    async revoke() {
      const body = { current_password: password, new_password: next }
      await acknowledged(node, ['POST', '/auth/password/change', { token: login.accessToken, body }])
      patient.password = next
    },
  }
}

/** Asks, and rejects with NotCarriedOut for an answer that acknowledges nothing. */
async function acknowledged(node: Node, request: Parameters<Node['ask']>): Promise<void> {
  const answer = await node.ask(...request)
  if (answer.status >= 200 && answer.status < 300) return
  const [method, path] = request
  throw new NotCarriedOut(`${node.url} answered ${method} ${path} with ${refusalIn(answer)}`)
}
