import type { Store } from 'rescind'
import type { ConfigError } from './config.ts'
import type { Database } from './database.ts'
import type { RevocationMirror } from './revocation-mirror.ts'

/** Where the service keeps what it keeps, open. */
export interface Backends {
  readonly database: Database
  /** Sessions and revocations. */
  readonly store: Store
  /** A transaction of the database can carry revocations. */
  readonly isOneDatabase: boolean
  readonly mirror: RevocationMirror | null
  /** Writes something of no meaning to everything that requests write to. */
  probe(): Promise<void>
  /** What to tell the operator when the store turns out to be unusable at the start. */
  startFailure(error: unknown): ConfigError
  close(): Promise<void>
}

/** Hears, in words without secrets, what an operator should know. */
export type Warn = (message: string) => void
