import { type Node, type NodeAnswer, NotCarriedOut, refusalIn } from './node.ts'

/** One login, with the tokens that a thief could have taken. */
export interface Login {
  readonly accessToken: string
  readonly refreshToken: string
  readonly sessionId: string
  readonly userId: string
}

/** Whom the doctor logs in as. A change of password changes it. */
export interface Patient {
  readonly email: string
  password: string
}

/** Logs in. */
export async function logIn(node: Node, { email, password }: Patient): Promise<Login> {
  const answer = await node.ask('POST', '/auth/login', { body: { email, password } })
  if (answer.status === 401) throw new NotCarriedOut(`${node.url} does not let ${email} in: is the password right?`)
  return loginIn(node, answer, 'the login')
}

/** Makes an account. */
export async function register(node: Node, { email, password }: Patient): Promise<Login> {
  const answer = await node.ask('POST', '/auth/register', { body: { email, password } })
  if (answer.status === 201) return loginIn(node, answer, 'the registration')
  throw new NotCarriedOut(
    `${node.url} answered the registration with ${refusalIn(answer)}; name an account of its own: --email`,
  )
}

/** Exchanges a refresh token. */
export async function refresh(node: Node, { refreshToken }: Login): Promise<Login> {
  return loginIn(node, await node.ask('POST', '/auth/refresh', { body: { refresh_token: refreshToken } }), 'a refresh')
}

/** The tokens in an answer; `null` where it holds none. */
export function tokensIn({ body }: NodeAnswer): Login | null {
  const { access_token: accessToken, refresh_token: refreshToken, session_id: sessionId, user } = body
  const userId = (user as { id?: unknown } | undefined)?.id
  const isWhole = [accessToken, refreshToken, sessionId, userId].every((part) => typeof part === 'string')
  return isWhole ? ({ accessToken, refreshToken, sessionId, userId } as Login) : null
}

function loginIn(node: Node, answer: NodeAnswer, what: string): Login {
  const login = answer.status < 300 ? tokensIn(answer) : null
  if (login === null) throw new NotCarriedOut(`${node.url} answered ${what} with ${refusalIn(answer)}`)
  return login
}
