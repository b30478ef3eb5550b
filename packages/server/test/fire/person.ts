import { setTimeout as pause } from 'node:timers/promises'
import { type Chance, createChance } from './chance.ts'
import type { FleetNode } from './fleet.ts'
import type { HeldTokens, RecordedAnswer } from './recorder.ts'
import type { Question, Target } from './requests.ts'
import type { World } from './world.ts'

/** A login as its owner holds it. */
export interface HeldSession {
  tokens: HeldTokens
  /** The refresh tokens that were exchanged, oldest first. */
  readonly spent: HeldTokens[]
  /** When the last of them was certainly exchanged. */
  spentAtMs: number
  /** Since when the outcome of an exchange is not known. */
  unsureSinceMs: number | null
}

/** A token that its owner has no more use for, or a thief has. */
export interface DeadToken {
  readonly kind: 'access' | 'refresh'
  readonly tokens: HeldTokens
}

/** One of the users of a run, and all that they hold. */
export interface Person {
  readonly number: number
  readonly email: string
  /** All who check tokens: every instance, those that are down too, and the resource server. */
  readonly everybody: readonly Target[]
  readonly chance: Chance
  /** The passwords that may be the right one. */
  passwords: number[]
  /** Those that have been replaced for certain. */
  readonly oldPasswords: number[]
  sub: string
  readonly sessions: HeldSession[]
  readonly dead: DeadToken[]
  isDisabled: boolean
  /** Lets go of sessions whose last exchange has had no answer for too long. */
  giveUpUnsure(): void
  register(): Promise<void>
  /** Answers the session that began, if one did. */
  logIn(): Promise<HeldSession | null>
  /** Tries a password that has been replaced, if there is one. */
  tryOldPassword(): Promise<void>
  /** Shows an access token to one node. */
  show(tokens: HeldTokens, by?: { node?: Target; act?: 'status' | 'verify' }): Promise<RecordedAnswer>
  refresh(session: HeldSession, node?: FleetNode): Promise<void>
  /** Shows a refresh token that should be worth nothing. */
  replay(tokens: HeldTokens, node?: Target): Promise<void>
  /** Shows one that only a thief can show, where there is one: the session should die of it. */
  steal(session: HeldSession): Promise<void>
  logOut(session: HeldSession, by: 'access' | 'refresh'): Promise<void>
  endSession(session: HeldSession, ended: HeldSession): Promise<void>
  endSessions(session: HeldSession, which: 'endAll' | 'endOthers'): Promise<void>
  changePassword(): Promise<void>
  resetPassword(): Promise<void>
  setDisabled(disabled: boolean): Promise<void>
}

const DEAD_KEPT = 24
const MAIL_WITHIN_MS = 4_000
const MAIL_POLL_MS = 100
let passwordsMade = 0

// An exchange whose answer was lost may only be tried again within the grace, with room for an answer that takes its time.
const RETRY_WITHIN_MS = 6_000
// After that, a parent of the current refresh token is shown by a thief.
const LONGER_THAN_GRACE_MS = 11_000

/** Makes one, who is not registered yet. */
export function createPerson(number: number, world: World): Person {
  const { recorder, seed } = world
  const chance = createChance(seed * 1_000_003 + number)
  const email = `user-${number}@fire.test`
  const passwordOf = (which: number) => `tractor-Violet-${seed}-${which}-umbrella`
  const newPassword = () => {
    passwordsMade += 1
    return passwordsMade
  }
  const bearer = (token: string) => `Bearer ${token}`
  const post = (path: string, body?: object, authorization?: string): Question => ({
    method: 'POST',
    path,
    ...(body === undefined ? {} : { body }),
    ...(authorization === undefined ? {} : { authorization }),
  })
  const isDone = ({ record }: RecordedAnswer) => record.status !== null && record.status < 300
  const isUnsure = ({ record }: RecordedAnswer) => record.status === null || record.status >= 500

  const bury = (session: HeldSession) => {
    const at = person.sessions.indexOf(session)
    if (at >= 0) person.sessions.splice(at, 1)
    person.dead.push({ kind: 'access', tokens: session.tokens }, { kind: 'refresh', tokens: session.tokens })
    const [first] = session.spent
    if (first !== undefined) person.dead.push({ kind: 'access', tokens: first })
    person.dead.splice(0, Math.max(0, person.dead.length - DEAD_KEPT))
  }
  const hold = (tokens: HeldTokens): HeldSession => {
    const session: HeldSession = { tokens, spent: [], spentAtMs: 0, unsureSinceMs: null }
    person.sessions.push(session)
    return session
  }
  const setPassword = (password: number) => {
    person.oldPasswords.push(...person.passwords)
    person.passwords = [password]
  }
  const buryAll = (except?: HeldSession) => {
    for (const session of [...person.sessions]) if (session !== except) bury(session)
  }

  const person: Person = {
    number,
    email,
    everybody: world.everybody,
    chance,
    passwords: [],
    oldPasswords: [],
    sub: '',
    sessions: [],
    dead: [],
    isDisabled: false,

    giveUpUnsure() {
      const isHopeless = ({ unsureSinceMs }: HeldSession) =>
        unsureSinceMs !== null && recorder.nowMs() - unsureSinceMs > RETRY_WITHIN_MS
      for (const session of person.sessions.filter(isHopeless)) {
        person.sessions.splice(person.sessions.indexOf(session), 1)
      }
    },

    async register() {
      const password = newPassword()
      const body = { email, password: passwordOf(password) }
      const question = post('/auth/register', body)
      const given = await recorder.ask({ user: number, act: 'register', node: world.node(chance), question, password })
      if (given.tokens === null) throw new Error(`user ${number} could not register: ${given.record.status}`)
      person.passwords = [password]
      person.sub = String(((given.answer?.body.user ?? {}) as { id?: string }).id)
      hold(given.tokens)
    },

    async logIn() {
      const password = person.passwords[chance.below(person.passwords.length)] ?? 0
      const question = post('/auth/login', { email, password: passwordOf(password) })
      const given = await recorder.ask({ user: number, act: 'login', node: world.node(chance), question, password })
      if (given.tokens !== null) {
        person.passwords = [password]
        person.isDisabled = false
        return hold(given.tokens)
      }
      if (given.record.status === 401 && person.passwords.length > 1) {
        person.passwords = person.passwords.filter((other) => other !== password)
      }
      return null
    },

    async tryOldPassword() {
      const password = person.oldPasswords[chance.below(person.oldPasswords.length)]
      if (password === undefined) return
      const question = post('/auth/login', { email, password: passwordOf(password) })
      await recorder.ask({ user: number, act: 'login', node: world.node(chance), question, password })
    },

    async show(
      tokens,
      { node = world.node(chance), act = chance.pick<'status' | 'verify'>(['status', 'verify', 'verify']) } = {},
    ) {
      const question: Question = { method: 'GET', path: `/auth/${act}`, authorization: bearer(tokens.access) }
      return recorder.ask({ user: number, act, node, question, token: tokens.given.access })
    },

    async refresh(session, node = world.node(chance)) {
      const { tokens } = session
      const question = post('/auth/refresh', { refresh_token: tokens.refresh })
      const given = await recorder.ask({ user: number, act: 'refresh', node, question, token: tokens.given.refresh })
      if (given.tokens !== null) {
        // Of several at once the first answer counts; the others hold the same refresh token.
        if (session.tokens === tokens) {
          session.spent.push(tokens)
          session.spentAtMs = given.record.endMs
          session.tokens = given.tokens
          session.unsureSinceMs = null
        }
      } else if (isUnsure(given)) session.unsureSinceMs ??= given.record.startMs
      else bury(session)
    },

    async replay(tokens, node = world.node(chance)) {
      const question = post('/auth/refresh', { refresh_token: tokens.refresh })
      await recorder.ask({ user: number, act: 'refresh', node, question, token: tokens.given.refresh })
    },

    async steal(session) {
      const [grandparent, parent] = [session.spent.at(-2), session.spent.at(-1)]
      const stolen = recorder.nowMs() - session.spentAtMs > LONGER_THAN_GRACE_MS ? parent : grandparent
      if (stolen === undefined || session.unsureSinceMs !== null) return
      await person.replay(stolen)
      bury(session)
      // Whichever instance heard of it, no other exchanges for the thief what the owner has, or for the owner.
      await Promise.all(world.nodes.map((node) => person.replay(session.tokens, node)))
      await Promise.all(person.everybody.map((node) => person.show(session.tokens, { node, act: 'verify' })))
    },

    async logOut(session, by) {
      const { tokens } = session
      const authorization = bearer(by === 'access' ? tokens.access : tokens.refresh)
      const question = post('/auth/logout', undefined, authorization)
      const token = by === 'access' ? tokens.given.access : tokens.given.refresh
      await recorder.ask({ user: number, act: 'logout', node: world.node(chance), question, token })
      bury(session)
    },

    async endSession(session, ended) {
      const authorization = bearer(session.tokens.access)
      const question: Question = { method: 'DELETE', path: `/auth/sessions/${ended.tokens.sid}`, authorization }
      const token = session.tokens.given.access
      const target = ended.tokens.given.session
      await recorder.ask({ user: number, act: 'endSession', node: world.node(chance), question, token, target })
      bury(ended)
    },

    async endSessions(session, which) {
      const path = which === 'endAll' ? '/auth/sessions' : '/auth/sessions?except=current'
      const question: Question = { method: 'DELETE', path, authorization: bearer(session.tokens.access) }
      const token = session.tokens.given.access
      const given = await recorder.ask({ user: number, act: which, node: world.node(chance), question, token })
      if (isDone(given) || isUnsure(given)) buryAll(which === 'endOthers' ? session : undefined)
      else bury(session)
    },

    async changePassword() {
      const session = await person.logIn()
      const [current] = person.passwords
      if (session === null || current === undefined || person.passwords.length > 1) return
      const password = newPassword()
      const body = { current_password: passwordOf(current), new_password: passwordOf(password) }
      const question = post('/auth/password/change', body, bearer(session.tokens.access))
      const token = session.tokens.given.access
      const act = 'changePassword'
      const given = await recorder.ask({ user: number, act, node: world.node(chance), question, token, password })
      // What has begun meanwhile may live: it is not buried, only looked at again.
      if (isDone(given)) {
        setPassword(password)
        buryAll()
        if (given.tokens !== null) hold(given.tokens)
      } else if (given.record.code === 'invalid_credentials' || isUnsure(given)) {
        person.passwords = [current, password]
        buryAll()
      } else bury(session)
    },

    async resetPassword() {
      const node = world.node(chance)
      world.outboxes.take(email)
      const forgot = post('/auth/password/forgot', { email })
      await recorder.ask({ user: number, act: 'forgotPassword', node, question: forgot })
      const secret = await mailed()
      if (secret === undefined) return
      const password = newPassword()
      const question = post('/auth/password/reset', { token: secret, new_password: passwordOf(password) })
      const act = 'resetPassword'
      const link = secret
      const given = await recorder.ask({ user: number, act, node: world.node(chance), question, password, link })
      if (isDone(given)) setPassword(password)
      else if (isUnsure(given)) person.passwords.push(password)
      if (isDone(given) || isUnsure(given)) buryAll()
    },

    async setDisabled(disabled) {
      const act = disabled ? 'disable' : 'enable'
      const question = post(`/admin/users/${person.sub}/${act}`, { reason: 'under fire' }, world.operator)
      await recorder.ask({ user: number, act, node: world.node(chance), question })
      person.isDisabled = disabled
      if (disabled) buryAll()
    },
  }

  const mailed = async (): Promise<string | undefined> => {
    const giveUpAtMs = recorder.nowMs() + MAIL_WITHIN_MS
    for (;;) {
      const secret = world.outboxes.take(email)
      if (secret !== undefined || recorder.nowMs() > giveUpAtMs) return secret
      await pause(MAIL_POLL_MS)
    }
  }
  return person
}
