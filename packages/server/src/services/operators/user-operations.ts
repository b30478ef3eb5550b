import { type Clock, RescindError } from 'rescind'
import { parseBody, registerBody } from '../../bodies.ts'
import type { UserPlace } from '../../repositories/user-pages.ts'
import { idTaken, type UserRecord, type Users } from '../../repositories/users.ts'
import type { AccountAdministration, ImportedAccount } from '../account-administration.ts'
import { emailKeyOf, parseEmailAddress } from '../email-address.ts'
import { noAccount } from '../no-account-error.ts'
import { refuseWeakPassword } from '../password-strength.ts'
import type { Passwords } from '../passwords.ts'
import { type AuditTrail, byOf } from './audit-trail.ts'
import { isPlaceText, isPlaceTime, limitOf, pageOf, readCursor, writeCursor } from './listing.ts'
import { isUsableId, refuseImpossibleId } from './operator-ids.ts'
import type { Operators } from './operators.ts'

/** What operators' work on accounts is made of. */
export interface UserOperationsOptions {
  readonly users: Users
  readonly administration: AccountAdministration
  readonly passwords: Passwords
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly newId: () => string
}

const MAX_QUERY = 254
// The paths of the service take no longer ones.
const MAX_IMPORTED_ID = 100
// Clients take them out of a URL, however they are escaped: a request for this account would be one for another thing.
const STEPS_IN_PATHS: ReadonlySet<string> = new Set(['.', '..'])

/** What operators do with accounts. */
export function createUserOperations(options: UserOperationsOptions): Operators['users'] {
  const { users, administration, passwords, trail, clock, newId } = options
  const on = (id: string) => ({ kind: 'user', id })

  /** Asked before, so that a file that is read again leaves nothing in the audit log. */
  const isImported = async ({ id, email }: ImportedAccount): Promise<boolean> => {
    const holder = id === undefined ? null : await users.byId(id)
    if (holder === null) return false
    if (holder.emailKey === emailKeyOf(email)) return true
    throw idTaken()
  }

  return {
    async list(request) {
      const limit = limitOf(request)
      const after = readCursor(request, 'users', readPlace)
      const query = readQuery(request.query)
      if (query === null) return { items: [], nextCursor: null }
      const found = await users.page({ query, after, limit: limit + 1 })
      return pageOf(found, limit, ({ registeredAtMs, id }) => writeCursor('users', [registeredAtMs, id]))
    },
    async get(id) {
      refuseImpossibleId(id)
      const user = await users.byId(id)
      if (user === null) throw noAccount()
      return user
    },
    async byAddress(address) {
      const email = parseEmailAddress(address)
      const user = email === null ? null : await users.byEmailKey(email.key)
      if (user === null) throw noAccount()
      return user
    },
    async create(act, { email: address, password: wished, admin }) {
      const { email, password } = parseBody(registerBody, { email: address, password: wished })
      await refuseWeakPassword(password, email)
      const id = newId()
      return trail.audited(act, { action: admin ? 'admin.create' : 'user.create', target: on(id) }, async () => {
        const user: UserRecord = {
          id,
          email: email.address,
          emailKey: email.key,
          // An operator answers for it.
          emailVerified: true,
          passwordHash: await passwords.hash(password),
          admin,
          registeredAtMs: clock.now(),
          disabledAtMs: null,
          credentialVersion: 0,
        }
        if ((await users.insert(user)) === 'inserted') return user
        throw emailTaken()
      })
    },
    async disable(act, id) {
      refuseImpossibleId(id)
      const why = { by: byOf(act), reason: act.reason ?? 'account disabled' }
      await trail.audited(act, { action: 'user.disable', target: on(id) }, () => administration.disable(id, why))
    },
    async enable(act, id) {
      refuseImpossibleId(id)
      await trail.audited(act, { action: 'user.enable', target: on(id) }, () => administration.enable(id))
    },
    async import(act, account) {
      const { id = newId() } = account
      if (!isUsableId(id) || id.length > MAX_IMPORTED_ID || STEPS_IN_PATHS.has(id)) {
        throw new RescindError(
          'invalid_request',
          `An id has 1 to ${MAX_IMPORTED_ID} characters, and no control characters; it is not . or ..`,
        )
      }
      if (await isImported(account)) return 'email_taken'
      try {
        const action = account.admin === true ? 'admin.import' : 'user.import'
        await trail.audited(act, { action, target: on(id) }, async () => {
          // Thrown, so that the log does not tell of an account that is not there.
          if ((await administration.import({ ...account, id })) === 'email_taken') throw emailTaken()
        })
        return 'imported'
      } catch (error) {
        if (error instanceof RescindError && error.code === 'email_taken') return 'email_taken'
        throw error
      }
    },
  }
}

function emailTaken(): RescindError {
  return new RescindError('email_taken', 'There is an account with this e-mail address.')
}

function readPlace([registeredAtMs, id]: readonly unknown[]): UserPlace | null {
  return isPlaceTime(registeredAtMs) && isPlaceText(id) ? { registeredAtMs, id } : null
}

/** What to look for; `undefined` for all accounts, `null` for what no account can match. */
function readQuery(text: string | undefined): { emailKey: string; id: string } | undefined | null {
  if (text === undefined || text === '') return undefined
  if (text.length > MAX_QUERY) throw new RescindError('invalid_request', `A query has up to ${MAX_QUERY} characters.`)
  return isUsableId(text) ? { emailKey: emailKeyOf(text), id: text } : null
}
