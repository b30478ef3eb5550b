import type { Operators } from '../../services/operators/operators.ts'
import type { SessionUses } from '../../services/session-uses.ts'
import type { OperatorAccess } from './operator-access.ts'

/** What each file of the routes under `/admin` needs. */
export interface AdminParts {
  readonly operators: Operators
  readonly uses: SessionUses
  readonly access: OperatorAccess
}
