import type { Clock, Ledger, Rescind } from 'rescind'
import type { Database } from '../../database.ts'
import type { AccountAdministration } from '../account-administration.ts'
import type { Keys } from '../keys.ts'
import type { Passwords } from '../passwords.ts'
import { createAuditTrail } from './audit-trail.ts'
import { createKeyOperations } from './key-operations.ts'
import type { Operators } from './operators.ts'
import { createRevocationOperations } from './revocation-operations.ts'
import { createSessionOperations } from './session-operations.ts'
import { createStatistics } from './statistics.ts'
import { createUserOperations } from './user-operations.ts'

/** What operators work with. */
export interface OperatorsOptions {
  readonly auth: Rescind
  readonly database: Database
  readonly administration: AccountAdministration
  readonly passwords: Passwords
  /** `null` where the service has none in its database. */
  readonly keys: Keys | null
  /** Where revocations are listed from. */
  readonly ledger: Ledger
  readonly clock: Clock
  readonly newId: () => string
}

/** Composes what operators do, with every act in the audit log. */
export function createOperators(options: OperatorsOptions): Operators {
  const { auth, database, administration, passwords, keys, ledger, clock, newId } = options
  const { users } = database
  const trail = createAuditTrail({ log: database.audit, clock })
  return {
    users: createUserOperations({ users, administration, passwords, trail, clock, newId }),
    sessions: createSessionOperations({ auth, users, trail }),
    revocations: createRevocationOperations({ auth, ledger, trail, clock }),
    keys: createKeyOperations({ auth, keys, trail }),
    audit: { list: (request) => trail.list(request) },
    stats: createStatistics({ auth, users, ledger, clock }),
  }
}
