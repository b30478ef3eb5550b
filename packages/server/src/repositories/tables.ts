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
}

/** The columns of `probes`. */
export interface ProbesTable {
  name: string
  filler: string
}

/** The tables of the service itself; the library's store keeps its own beside them. */
export interface Tables {
  users: UsersTable
  probes: ProbesTable
}
