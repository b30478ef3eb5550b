import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey, type Rescind } from 'rescind'
import type { Backends } from '../backends.ts'
import { type Config, readConfig } from '../config.ts'
import { makeDataDirectory } from '../data-directory.ts'
import { withEnvFile } from '../env-file.ts'
import { openBackends } from '../open-backends.ts'
import { type Terminal, tell } from './terminal.ts'

/** What the service keeps, opened beside it. */
export interface Stores {
  readonly config: Config
  readonly backends: Backends
  /** Revokes. It signs nothing and checks nothing: no token that counts is under its key. */
  readonly auth: Rescind
}

/** What the environment and `.env` say. Throws ConfigError. */
export function configurationOf({ env, directory }: Terminal): Config {
  return readConfig(withEnvFile(env, join(directory, '.env')))
}

/**
 * Makes the directory of the data where it is not there. Says that a new database is made: whoever stands in the wrong
 * directory would take it for an empty one.
 */
export function enterDataDirectory(terminal: Terminal, { dataDir, databaseUrl }: Config): void {
  makeDataDirectory(dataDir)
  if (databaseUrl !== undefined || existsSync(join(dataDir, 'rescind.db'))) return
  tell(terminal, `there is no database in ${JSON.stringify(dataDir)} (DATA_DIR) yet: a new one is made`)
}

/**
 * Opens the stores that the service's configuration names, does the work and closes them. The service may run meanwhile.
 *
 * @throws ConfigError for what the operator can mend
 */
export async function withStores<T>(terminal: Terminal, work: (stores: Stores) => Promise<T>): Promise<T> {
  const config = configurationOf(terminal)
  enterDataDirectory(terminal, config)
  const backends = await openBackends(config, (message) => tell(terminal, message))
  try {
    const auth = createRescind({
      store: backends.store,
      keys: createKeyRing({ active: generateKey('EdDSA') }),
      // How long a record is kept: until the last token that the service made has expired.
      accessTtlSeconds: config.accessTtlSeconds,
      refreshTtlSeconds: config.refreshTtlSeconds,
      sessionTtlSeconds: config.sessionMaxAgeSeconds,
    })
    try {
      return await work({ config, backends, auth })
    } finally {
      await auth.close()
    }
  } finally {
    await backends.close()
  }
}
