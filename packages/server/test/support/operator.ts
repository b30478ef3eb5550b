import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey, systemClock } from 'rescind'
import type { Backends } from '../../src/backends.ts'
import { readConfig } from '../../src/config.ts'
import { openBackends } from '../../src/open-backends.ts'
import { type AccountAdministration, createAccountAdministration } from '../../src/services/account-administration.ts'
import {
  type AccountChanges,
  changesAcrossStores,
  changesInOneTransaction,
} from '../../src/services/account-changes.ts'

/** What an operator does beside running services, as from a command line: over the same stores, in another process. */
export interface Operator {
  /** To start the services with. */
  readonly settings: Record<string, string>
  readonly administration: AccountAdministration
  readonly changes: AccountChanges
  readonly users: Backends['database']['users']
  close(): Promise<void>
}

let count = 0

export async function openOperator(settings: Record<string, string>): Promise<Operator> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-operator-'))
  const all = { DATA_DIR: directory, ...settings }
  const backends = await openBackends(readConfig(all), () => {})
  const auth = createRescind({ store: backends.store, keys: createKeyRing({ active: generateKey('EdDSA') }) })
  await auth.ready()
  const { database } = backends
  const changes = (backends.isOneDatabase ? changesInOneTransaction : changesAcrossStores)(auth, database)
  const newId = () => `imported-${++count}`
  return {
    settings: all,
    administration: createAccountAdministration({ database, changes, clock: systemClock, newId }),
    changes,
    users: database.users,
    async close() {
      await auth.close()
      await backends.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
