import { randomUUID } from 'node:crypto'
import { createKeyRing, generateKey, type KeyRing, systemClock } from 'rescind'
import { type Config, ConfigError } from './config.ts'
import type { Database } from './database.ts'
import { type FollowedKeyRing, followKeys } from './followed-key-ring.ts'
import { createKeySealing, type KeySealing } from './services/key-sealing.ts'
import { createKeys, type Keys } from './services/keys.ts'
import { hasStoredKey, loadSigningKey, readStoredKey, storedKeyPath } from './signing-key.ts'

/** The keys that the service signs and checks tokens with. */
export interface SigningKeys {
  readonly keys: KeyRing
  /** As {@link FollowedKeyRing.readAgain} has it; done at once where they never change. */
  readAgain(): Promise<void>
  /** As {@link FollowedKeyRing.catchUp} has it. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

/** Keys that never change. */
export function fixedKeys(keys: KeyRing): SigningKeys {
  return { keys, readAgain: async () => {}, catchUp: async () => {}, close: async () => {} }
}

// The library accepts no token that lives longer, unless it is told to mint such.
const LONGEST_TTL_SECONDS = 30 * 86_400

/**
 * The keys in the database where `KEY_ENCRYPTION_KEY` is set, and else the one of the configuration, which never changes.
 *
 * @throws ConfigError
 */
export async function openSigningKeys(
  config: Config,
  database: Database,
  onWarning: (message: string) => void,
): Promise<SigningKeys> {
  const shared = keysInDatabase(config, database)
  if (shared === null) {
    await refuseToForget(config, database)
    return fixedKeys(createKeyRing({ active: loadSigningKey(config) }))
  }
  const { keys, sealing } = shared
  // Read where it is of use, and only there: of a file that is left over nobody cares what is in it.
  await keys.begin(() => readStoredKey(config) ?? generateKey(config.signingAlg))
  const followed = await followKeys({ keys, sealing, clock: systemClock, onWarning })
  if (hasStoredKey(config)) {
    onWarning(`the signing keys are in the database now: ${storedKeyPath(config)} is not read any more, remove it`)
  }
  return followed
}

/** Keys in a database, and what seals them there. */
export interface StoredKeys {
  readonly keys: Keys
  readonly sealing: KeySealing
}

/**
 * The keys in the database, for whoever cannot do without them.
 *
 * @throws ConfigError where there are none
 */
export function sharedKeys(config: Config, database: Database): StoredKeys {
  const stored = keysInDatabase(config, database)
  if (stored !== null) return stored
  throw new ConfigError(
    'KEY_ENCRYPTION_KEY is not set, so the signing key is the one of the configuration; set it first',
  )
}

/** The keys in the database, for whoever manages them; `null` where the signing key is the one of the configuration. */
export function keysInDatabase(config: Config, database: Database): StoredKeys | null {
  if (config.keyEncryptionKey === undefined) return null
  const sealing = createKeySealing(config.keyEncryptionKey)
  const keys = createKeys({
    database,
    sealing,
    alg: config.signingAlg,
    clock: systemClock,
    newId: randomUUID,
    maxTokenTtlMs: Math.max(LONGEST_TTL_SECONDS, config.accessTtlSeconds, config.refreshTtlSeconds) * 1000,
  })
  return { keys, sealing }
}

/**
 * A service that has lost its secret must not begin anew with another key: every token would be refused. Nor must one
 * instance go by a key of its own while others go by those in the database.
 */
async function refuseToForget({ signingKey, signingKeyFile }: Config, database: Database): Promise<void> {
  if ((await database.signingKeys.all()).length === 0) return
  const given = signingKey !== undefined ? 'SIGNING_KEY' : signingKeyFile !== undefined ? 'SIGNING_KEY_FILE' : null
  throw new ConfigError(
    given === null
      ? 'KEY_ENCRYPTION_KEY is not set, but the signing keys in the database are sealed; set it to theirs'
      : `${given} is set, but the signing keys are in the database; unset it, and set KEY_ENCRYPTION_KEY to theirs`,
  )
}
