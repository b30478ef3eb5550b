import type { Kysely, Selectable } from 'kysely'
import { asking } from '../storage-failure.ts'
import type { ClientsTable, Tables } from './tables.ts'

/** A program that may ask the service for something, by an id and a secret. */
export interface ClientRecord {
  readonly id: string
  /** What its owner calls it. */
  readonly name: string
  /** SHA-256 of the secret, in base64url. */
  readonly secretHash: string
  readonly scopes: readonly string[]
  readonly createdAtMs: number
}

/** The clients kept. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface ClientRecords {
  insert(client: ClientRecord): Promise<void>
  byId(id: string): Promise<ClientRecord | null>
  /** Oldest first. */
  all(): Promise<readonly ClientRecord[]>
  delete(id: string): Promise<'deleted' | 'unknown'>
}

/** The clients in a SQL database. */
export function createClientRecords(tables: Kysely<Tables>): ClientRecords {
  return {
    async insert(client) {
      const row = {
        id: client.id,
        name: client.name,
        secret_hash: client.secretHash,
        scopes: client.scopes.join(' '),
        created_at_ms: client.createdAtMs,
      }
      await asking(() => tables.insertInto('clients').values(row).execute())
    },
    async byId(id) {
      const query = tables.selectFrom('clients').selectAll().where('id', '=', id)
      const row = await asking(() => query.executeTakeFirst())
      return row === undefined ? null : fromRow(row)
    },
    async all() {
      const query = tables.selectFrom('clients').selectAll().orderBy('created_at_ms').orderBy('id')
      return (await asking(() => query.execute())).map(fromRow)
    },
    async delete(id) {
      const { numDeletedRows } = await asking(() =>
        tables.deleteFrom('clients').where('id', '=', id).executeTakeFirst(),
      )
      return numDeletedRows === 1n ? 'deleted' : 'unknown'
    },
  }
}

function fromRow(row: Selectable<ClientsTable>): ClientRecord {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    scopes: row.scopes.split(' '),
    createdAtMs: Number(row.created_at_ms),
  }
}
