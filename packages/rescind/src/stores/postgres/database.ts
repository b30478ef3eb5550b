import { randomInt, randomUUID } from 'node:crypto'
import { configError } from '../../base/errors.ts'
import { inTransaction, isMissingTables, type PgLike, type PgQuery, type PgQueryable, retried } from './client.ts'

/** The quoted names of what the store keeps in the database. */
export interface PgNames {
  readonly schema: string
  readonly meta: string
  readonly revocations: string
  readonly sessions: string
  /** The channel that is notified when records are appended. */
  readonly channel: string
}

/** The pool, with the store's tables in place. */
export interface PgDatabase {
  readonly names: PgNames
  readonly pool: PgLike
  /** Makes the tables where they are missing. */
  ready(): Promise<void>
  /** Runs one statement that is a transaction by itself. */
  query(query: PgQuery): Promise<unknown[]>
  /** Runs several statements in one transaction. The work is repeated when it runs into a deadlock. */
  transaction<T>(work: (on: PgQueryable) => Promise<T>): Promise<T>
  /** Runs the work; where the tables turn out to be missing, makes them and runs it once more. */
  withTables<T>(work: () => Promise<T>): Promise<T>
}

// A channel's name has at most 63 characters.
const SCHEMA_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,54}$/
/** Marks the advisory locks of this library; the second half is the schema's. */
const LOCK_CLASS = 1_919_251_315

/** Wraps a pool. Nothing is asked of the server before the first use. */
export function postgresDatabase(pool: PgLike, schema: string): PgDatabase {
  if (!SCHEMA_NAME.test(schema)) {
    throw configError('schema must be 1 to 55 letters, digits and underscores, and not begin with a digit')
  }
  const table = (name: string) => `"${schema}"."${name}"`
  const names: PgNames = {
    schema,
    meta: table('rescind_meta'),
    revocations: table('rescind_revocations'),
    sessions: table('rescind_sessions'),
    channel: `rescind:${schema}`,
  }
  let tables: Promise<void> | undefined
  const ready = () => {
    tables ??= makeTables(pool, names).catch((error: unknown) => {
      tables = undefined
      throw error
    })
    return tables
  }
  const withTables = async <T>(work: () => Promise<T>): Promise<T> => {
    await ready()
    try {
      return await retried(work)
    } catch (error) {
      if (!isMissingTables(error)) throw error
      // Somebody has dropped them. The new ones are a new history, which every follower will notice.
      tables = undefined
      await ready()
      return retried(work)
    }
  }
  return {
    names,
    pool,
    ready,
    query: (query) => withTables(async () => (await pool.query(query)).rows),
    transaction: (work) => withTables(() => inTransaction(pool, work)),
    withTables,
  }
}

/** Makes the tables once, however many processes start together. A role that may only read finds them made. */
async function makeTables(pool: PgLike, names: PgNames): Promise<void> {
  if (await areThere(pool, names)) return
  await retried(() =>
    inTransaction(pool, async (on) => {
      await on.query({
        text: 'SELECT pg_advisory_xact_lock($1, hashtext($2))',
        values: [LOCK_CLASS, names.schema],
      })
      if (await areThere(on, names)) return
      const { rows } = await on.query({
        text: 'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS known',
        values: [names.schema],
      })
      // Asked first, since creating one that exists still takes the right to create it.
      if ((rows[0] as { known: boolean }).known === false) await on.query({ text: `CREATE SCHEMA "${names.schema}"` })
      await on.query({ text: tablesOf(names) })
      // Records went missing, or there were none yet: either way this is the beginning of a new history.
      await on.query({ text: `DELETE FROM ${names.meta}` })
      await on.query({
        text: `INSERT INTO ${names.meta} (generation, position, stamp)
          SELECT $1, coalesce(max(position), 0), $2 FROM ${names.revocations}`,
        values: [randomUUID(), newStamp()],
      })
    }),
  )
}

/** A number that nobody can guess: it tells an append from another that was given the same position. */
export function newStamp(): number {
  return randomInt(2 ** 31)
}

// Reads the catalog as a table: `to_regclass` may answer from a cache that a transaction does not renew at each statement.
async function areThere(on: PgQueryable, names: PgNames): Promise<boolean> {
  const { rows } = await on.query({
    text: `SELECT count(*) = 3 AS known FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = $1 AND relname IN ('rescind_meta', 'rescind_revocations', 'rescind_sessions')`,
    values: [names.schema],
  })
  if ((rows[0] as { known: boolean }).known === false) return false
  const facts = await on.query({ text: `SELECT FROM ${names.meta}` })
  return facts.rows.length === 1
}

// Ids are compared byte by byte: another collation would be slower, and an upgrade of its library could break an index.
// `except_hash` keeps the key within what an index can hold, which two ids of the greatest length would not be.
function tablesOf({ meta, revocations, sessions }: PgNames): string {
  return `
CREATE TABLE IF NOT EXISTS ${meta} (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  generation text NOT NULL,
  position bigint NOT NULL,
  stamp integer NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE IF NOT EXISTS ${revocations} (
  position bigint PRIMARY KEY,
  stamp integer NOT NULL,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  before_ms bigint NOT NULL,
  except_hash text COLLATE "C" NOT NULL,
  except_sid text COLLATE "C",
  expires_at_ms bigint NOT NULL,
  at_ms bigint NOT NULL,
  revoked_by text,
  reason text,
  UNIQUE (kind, id, before_ms, except_hash)
);
CREATE INDEX IF NOT EXISTS rescind_revocations_expiry ON ${revocations} (expires_at_ms);
CREATE TABLE IF NOT EXISTS ${sessions} (
  sid text COLLATE "C" PRIMARY KEY,
  sub text COLLATE "C" NOT NULL,
  refresh_hash text NOT NULL,
  parent_hash text,
  issued_at_ms bigint NOT NULL,
  created_at_ms bigint NOT NULL,
  last_used_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  ends_at_ms bigint NOT NULL,
  ended_at_ms bigint,
  ip text,
  user_agent text
);
CREATE INDEX IF NOT EXISTS rescind_sessions_sub ON ${sessions} (sub, created_at_ms);
CREATE INDEX IF NOT EXISTS rescind_sessions_expiry ON ${sessions} (expires_at_ms);
`
}
