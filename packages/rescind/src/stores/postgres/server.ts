import { configError } from '../../base/errors.ts'
import type { PgQueryable } from './client.ts'

/**
 * What an operator should know of the server: settings under which it may forget what it acknowledged.
 *
 * @throws RescindError `invalid_config` when it is a standby, whose copy may be old and takes no changes
 */
export async function inspectServer(on: PgQueryable): Promise<readonly string[]> {
  const { rows } = await on.query({
    text: `SELECT pg_is_in_recovery() AS is_standby, current_setting('fsync') AS fsync,
                  current_setting('full_page_writes') AS full_page_writes`,
  })
  const [server] = rows as { is_standby: boolean; fsync: string; full_page_writes: string }[]
  if (server?.is_standby === true) throw configError('the PostgreSQL server is a standby: connect to the primary')
  const risks = {
    fsync: server?.fsync === 'off',
    full_page_writes: server?.full_page_writes === 'off',
  }
  return Object.entries(risks)
    .filter(([, isTaken]) => isTaken)
    .map(([name]) => `PostgreSQL runs with ${name}=off: a crash of its machine may lose or damage revocations`)
}
