import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { postgresStore } from 'rescind/stores/postgres'
import { sqliteStore } from 'rescind/stores/sqlite'

const usersTable = (id) => `CREATE TABLE IF NOT EXISTS users (
  id ${id} PRIMARY KEY,
  email VARCHAR(255) NOT NULL UNIQUE,
  password VARCHAR(255) NOT NULL,
  registered_on TIMESTAMPTZ NOT NULL,
  admin BOOLEAN NOT NULL DEFAULT FALSE
)`

/** Opens PostgreSQL where there is a URL, else SQLite in the folder: users and revocations in one database. */
export async function openDatabase(url, folder) {
  const { query, ...rest } = url ? await openPostgres(url) : openSqlite(folder)
  return {
    ...rest,
    users: {
      /** The id of the new user, or `undefined` where the email is known: the database decides who comes first. */
      async add(email, passwordHash) {
        const sql = `INSERT INTO users (email, password, registered_on) VALUES ($1, $2, $3)
          ON CONFLICT (email) DO NOTHING RETURNING id`
        const [user] = await query(sql, [email, passwordHash, new Date().toISOString()])
        return user?.id
      },
      byEmail: async (email) => (await query('SELECT id, password FROM users WHERE email = $1', [email]))[0],
      byId: async (id) => (await query('SELECT * FROM users WHERE id = $1', [id]))[0],
    },
  }
}

async function openPostgres(url) {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 2_000 })
  pool.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  // Two processes that make the same table at once would trip over each other.
  const sql = `SELECT pg_advisory_xact_lock(1785); ${usersTable('INTEGER GENERATED ALWAYS AS IDENTITY')}`
  await pool.query(sql).catch((cause) => {
    // Of a host with several addresses, the error has no message but those of each.
    throw new Error(`PostgreSQL (DATABASE_URL): ${cause.message || cause.code}`, { cause })
  })
  return {
    store: postgresStore(pool),
    query: async (sql, values) => (await pool.query(sql, values)).rows,
    close: () => pool.end(),
  }
}

function openSqlite(folder) {
  mkdirSync(folder, { recursive: true })
  const database = new Database(join(folder, 'app.db'))
  database.exec(usersTable('INTEGER'))
  return {
    store: sqliteStore(database),
    // SQLite knows $1 as a parameter with the name "1".
    query: (sql, values) => database.prepare(sql).all({ ...['', ...values] }),
    close: () => database.close(),
  }
}
