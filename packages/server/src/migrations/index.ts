import type { Migration } from 'kysely'
import { users } from './0001-users.ts'
import { probes } from './0002-probes.ts'
import { accounts } from './0003-accounts.ts'
import { clients } from './0004-clients.ts'
import { signingKeys } from './0005-signing-keys.ts'
import { sessionUses } from './0006-session-uses.ts'
import { audit } from './0007-audit.ts'
import type { Dialect } from './dialect.ts'

export type { Dialect } from './dialect.ts'

/** Every migration, applied in the order of the names. One that was released is never edited. */
export function migrationsFor(dialect: Dialect): Record<string, Migration> {
  return {
    '0001-users': users(dialect),
    '0002-probes': probes(dialect),
    '0003-accounts': accounts(dialect),
    '0004-clients': clients(dialect),
    '0005-signing-keys': signingKeys(dialect),
    '0006-session-uses': sessionUses(dialect),
    '0007-audit': audit(dialect),
  }
}
