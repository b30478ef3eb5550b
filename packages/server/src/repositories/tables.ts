import type { ColumnType } from 'kysely'

/** The columns of `users`; SQLite has no booleans. */
export interface UsersTable {
  id: string
  email: string
  email_key: string
  email_verified: number
  password_hash: string
  admin: number
  /** PostgreSQL's driver gives 64-bit integers as text. */
  registered_at_ms: ColumnType<number | string, number, number>
  disabled_at_ms: ColumnType<number | string | null, number | null, number | null>
  /** Counts the changes after which a login that was under way may not go on. */
  credential_version: number
}

/** The columns of `mail_tokens`. */
export interface MailTokensTable {
  id: string
  user_id: string
  purpose: string
  address: string
  address_key: string
  token_hash: string | null
  created_at_ms: ColumnType<number | string, number, number>
  expires_at_ms: ColumnType<number | string, number, number>
}

/** The columns of `probes`. */
export interface ProbesTable {
  name: string
  filler: string
}

/** The columns of `clients`; the scopes have spaces between them. */
export interface ClientsTable {
  id: string
  name: string
  secret_hash: string
  scopes: string
  created_at_ms: ColumnType<number | string, number, number>
}

/** The columns of `session_uses`. */
export interface SessionUsesTable {
  sid: string
  used_at_ms: ColumnType<number | string, number, number>
}

/** The columns of `signing_keys`. */
export interface SigningKeysTable {
  kid: string
  alg: string
  sealed: string
  created_at_ms: ColumnType<number | string, number, number>
  signs_from_ms: ColumnType<number | string, number, number>
}

/** The columns of `audit`. */
export interface AuditTable {
  id: string
  at_ms: ColumnType<number | string, number, never>
  actor_kind: string
  actor_id: string
  ip: string | null
  action: string
  target_kind: string | null
  target_id: string | null
  reason: string | null
  outcome: 'asked' | 'failed'
  failure_of: string | null
  failure_code: string | null
}

/** The tables of the service itself; the library's store keeps its own beside them. */
export interface Tables {
  users: UsersTable
  mail_tokens: MailTokensTable
  probes: ProbesTable
  clients: ClientsTable
  signing_keys: SigningKeysTable
  session_uses: SessionUsesTable
  audit: AuditTable
}
