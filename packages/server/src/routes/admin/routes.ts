import type { FastifyInstance } from 'fastify'
import type { Operators } from '../../services/operators/operators.ts'
import type { SessionUses } from '../../services/session-uses.ts'
import { keyRoutes } from './keys.ts'
import { createOperatorAccess, type OperatorAccessOptions } from './operator-access.ts'
import { recordRoutes } from './records.ts'
import { revocationAdminRoutes } from './revocations.ts'
import { userRoutes } from './users.ts'

/** What the routes under `/admin` need. */
export interface AdminRoutesOptions extends OperatorAccessOptions {
  readonly operators: Operators
  readonly uses: SessionUses
}

/** The routes of operators, all behind one guard. */
export function adminRoutes(app: FastifyInstance, options: AdminRoutesOptions): void {
  const parts = { operators: options.operators, uses: options.uses, access: createOperatorAccess(options) }
  userRoutes(app, parts)
  revocationAdminRoutes(app, parts)
  keyRoutes(app, parts)
  recordRoutes(app, parts)
}
