import { configError } from '../../base/errors.ts'
import type { Transaction } from '../../revocation/ledger.ts'

/** A statement and its parameters. */
export interface PgQuery {
  text: string
  values?: unknown[]
  /** Where it has one, the server keeps the statement prepared under this name. */
  name?: string
}

/** The part of a result that the store reads. */
export interface PgResult {
  rows: unknown[]
  rowCount: number | null
}

/** Whatever runs a statement: a `pg` client, or a wrapper that runs it on another library's transaction. */
export interface PgQueryable {
  query(query: PgQuery): Promise<PgResult>
}

/** The part of a `pg` pool's client that the store calls. */
export interface PgClientLike extends PgQueryable {
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification' | 'end', listener: () => void): unknown
  removeListener(event: string, listener: (error: Error) => void): unknown
}

/** The part of a `pg.Pool` that the store calls. */
export interface PgLike extends PgQueryable {
  connect(): Promise<PgClientLike>
}

/** A 64-bit integer as the driver gives it: text by default, a number or a bigint where the program has asked for that. */
export type PgInteger = string | number | bigint

/**
 * SQL that keeps a commit from being acknowledged before it is on disk, where the server or the role has it so. Any
 * other setting (`local`, `remote_apply`) is the operator's choice and stays.
 */
export const COMMIT_DURABLY = `CASE WHEN current_setting('synchronous_commit') = 'off'
  THEN set_config('synchronous_commit', 'on', true) END`

// A machine that vanishes says no goodbye: its transactions would keep their locks, and with them every revocation of
// every other process, until TCP notices (two hours by default). No transaction of ours is silent for so long.
const MAX_SILENCE_MS = 3_000
// Nor must those of the vanished that wait for a lock come to hold it one after the other. Who lives tries again.
const MAX_LOCK_WAIT_MS = 2_000

// Each statement must see what was committed before it, whatever the server's default isolation is: the locks rely on it.
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED;
  SET LOCAL idle_in_transaction_session_timeout = ${MAX_SILENCE_MS};
  SET LOCAL lock_timeout = ${MAX_LOCK_WAIT_MS}; SELECT ${COMMIT_DURABLY}`

const ATTEMPTS = 6
const FIRST_RETRY_MS = 4

/** Runs the work in a transaction on a client of its own. */
export async function inTransaction<T>(pool: PgLike, work: (on: PgQueryable) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  // A connection that breaks also rejects the statement in flight; unheard, its event would end the process.
  const heard = () => {}
  client.on('error', heard)
  let isWhole = false
  try {
    await client.query({ text: BEGIN })
    const result = await work(client)
    await client.query({ text: 'COMMIT' })
    isWhole = true
    return result
  } catch (error) {
    isWhole = isRefusal(error) && (await rolledBack(client))
    throw error
  } finally {
    client.removeListener('error', heard)
    client.release(!isWhole)
  }
}

/** True where the server refused a statement, and nothing is wrong with the connection. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}

function rolledBack(client: PgQueryable): Promise<boolean> {
  return client.query({ text: 'ROLLBACK' }).then(
    () => true,
    () => false,
  )
}

/** Repeats work that the server gave up for a deadlock, a conflict or a lock: it had no effect and may well succeed now. */
export async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, DEADLOCK, SERIALIZATION_FAILURE, LOCK_NOT_AVAILABLE)) throw error
      const delayMs = FIRST_RETRY_MS * 2 ** attempt * Math.random()
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
}

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK = '40P01'
const LOCK_NOT_AVAILABLE = '55P03'
const UNDEFINED_TABLE = '42P01'

/** What is thrown where the ledger's one row of facts is gone; treated as a missing table. */
export function missingTables(): Error {
  return Object.assign(new Error('the table rescind_meta is empty'), { code: UNDEFINED_TABLE })
}

/** True where the store's tables are not there, or not whole. */
export function isMissingTables(error: unknown): boolean {
  return hasCode(error, UNDEFINED_TABLE)
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** The client of a caller that has a transaction open on it. */
export function openTransaction(within: Transaction): PgQueryable {
  const client = within as Partial<PgQueryable> & { getTransactionStatus?: () => unknown }
  const isIdle = client.getTransactionStatus?.() === 'I'
  if (typeof client.query !== 'function' || isIdle) {
    throw configError('`within` must be a PostgreSQL client with a transaction open on it')
  }
  return within as PgQueryable
}
