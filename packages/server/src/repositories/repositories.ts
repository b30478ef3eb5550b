import type { Kysely } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { type AuditLog, createAuditLog } from './audit.ts'
import { type ClientRecords, createClientRecords } from './clients.ts'
import { createMailTokens, type MailTokens } from './mail-tokens.ts'
import { createSessionUseRecords, type SessionUseRecords } from './session-uses.ts'
import { createSigningKeyRecords, type SigningKeyRecords } from './signing-keys.ts'
import type { Tables } from './tables.ts'
import { createUsers, type Users } from './users.ts'

/** What the service keeps in its own tables, each kind behind its own interface. */
export interface Repositories {
  readonly users: Users
  readonly mailTokens: MailTokens
  readonly clients: ClientRecords
  readonly sessionUses: SessionUseRecords
  readonly signingKeys: SigningKeyRecords
  readonly audit: AuditLog
}

/** All of them over one query builder: a whole database, or a transaction of it. */
export function createRepositories(tables: Kysely<Tables>, dialect: Dialect): Repositories {
  return {
    users: createUsers(tables, dialect),
    mailTokens: createMailTokens(tables, dialect),
    clients: createClientRecords(tables),
    sessionUses: createSessionUseRecords(tables, dialect),
    signingKeys: createSigningKeyRecords(tables, dialect),
    audit: createAuditLog(tables),
  }
}
