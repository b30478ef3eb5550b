import { ISSUER, newEmail, PASSWORD, type RunningApp } from './start-app.ts'

/** What a browser holds of a session, as the headers it sends. */
export interface CookieSession {
  readonly cookie: string
  /** What its page reads out of its cookie, to send it in `X-CSRF-Token`. */
  readonly csrf: string
  readonly userId: string
}

/** Registers someone whose tokens are kept in cookies. */
export async function registerWithCookies(app: RunningApp): Promise<CookieSession> {
  const body = { email: newEmail(), password: PASSWORD }
  const answer = await app.post('/auth/register', body, { 'token-delivery': 'cookie', origin: ISSUER })
  if (answer.status !== 201) throw new Error(`register: ${answer.status} ${await answer.text()}`)
  const { user } = (await answer.json()) as { user: { id: string } }
  const cookies = answer.headers.getSetCookie().map((text) => text.split(';', 1)[0] ?? '')
  const csrf = cookies
    .map((text) => /^(?:__Host-)?csrf_token=(.+)$/.exec(text)?.[1])
    .find((value) => value !== undefined)
  if (csrf === undefined) throw new Error('no CSRF cookie was set')
  return { cookie: cookies.join('; '), csrf, userId: user.id }
}
