/** The columns of `users`; SQLite has no booleans. */
export interface UsersTable {
  id: string
  email: string
  email_key: string
  email_verified: number
  password_hash: string
  admin: number
  registered_at_ms: number
}

/** The tables of the service itself; the library's store keeps its own in the same file. */
export interface Tables {
  users: UsersTable
}
